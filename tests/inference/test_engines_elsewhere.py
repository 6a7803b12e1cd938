"""TensorRT and MIGraphX up to their own calls, on stand-ins that compute by ONNX Runtime."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from chepai import Reader
from chepai.errors import InputError
from chepai.export.exporting import export
from chepai.export.formats import FORMATS, ExportOptions
from chepai.export.source import OnnxSource
from chepai.inference.runtimes import open_runtime
from fake_engines import Memory, fake_cuda, fake_migraphx, fake_tensorrt


@pytest.fixture
def tensorrt(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(memory))
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", fake_cuda(memory))


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    compiled: list[str] = []
    monkeypatch.setitem(sys.modules, "migraphx", fake_migraphx(compiled))
    return compiled


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(8).integers(0, 256, (70, 32, 96, 3), dtype=np.uint8)


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    assert list(one) == list(other)
    return all(np.allclose(one[head], other[head], atol=1e-4) for head in one)


@pytest.mark.usefixtures("tensorrt")
@pytest.mark.parametrize("batch", [None, 3])
def test_a_tensorrt_engine_is_built_proven_and_read(
    tiny_onnx: Path, tmp_path: Path, pictures: np.ndarray, batch: int | None
):
    source = OnnxSource(tiny_onnx)
    options = ExportOptions("fp16", batch=batch)
    found = FORMATS["tensorrt"]
    result = export(source, found, tmp_path / "m.engine", options, pictures[:8])
    assert result.precision == "fp16" and 0 < result.agreement.difference < 0.05
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m.engine", "m.engine.json"]
    engine = open_runtime(tmp_path / "m.engine")
    # 70 pictures are more than the largest batch.
    received, wanted = engine.run(pictures), source.runtime.run(pictures)
    assert all(np.allclose(received[head], wanted[head], atol=0.05) for head in wanted)
    assert len(Reader(tmp_path / "m.engine").read(list(pictures[:5]))) == 5


@pytest.mark.usefixtures("tensorrt")
def test_an_engine_of_another_machine_is_refused(tiny_onnx: Path, tmp_path: Path):
    path = tmp_path / "m.engine"
    path.write_bytes(b"built elsewhere")
    with pytest.raises(InputError, match=r"there is no m\.engine\.json with it"):
        open_runtime(path)
    (tmp_path / "m.engine.json").write_text(OnnxSource(tiny_onnx).card.to_json())
    with pytest.raises(InputError, match=r"TensorRT 11\.0\.0 cannot load .* export it here"):
        open_runtime(path)


def test_a_failing_cuda_call_is_no_answer(
    tiny_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: np.ndarray
):
    memory = Memory()
    cuda = fake_cuda(memory)
    monkeypatch.setitem(sys.modules, "tensorrt", fake_tensorrt(memory))
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", cuda)
    path = tmp_path / "m.engine"
    export(OnnxSource(tiny_onnx), FORMATS["tensorrt"], path, ExportOptions(), pictures[:2])
    engine = open_runtime(path)
    cuda.cudaStreamSynchronize = lambda _: (719,)
    with pytest.raises(RuntimeError, match="CUDA's cudaStreamSynchronize failed: 719"):
        engine.run(pictures[:2])


def test_a_migraphx_program_is_compiled_proven_and_read(
    tiny_onnx: Path, tmp_path: Path, pictures: np.ndarray, compilations: list[str]
):
    source = OnnxSource(tiny_onnx)
    path = tmp_path / "m.mxr"
    result = export(source, FORMATS["migraphx"], path, ExportOptions(batch=4), pictures[:6])
    assert result.agreement.difference < 1e-4 and compilations == ["model.onnx"]
    assert same(open_runtime(path).run(pictures), source.runtime.run(pictures))
    path.write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"MIGraphX cannot load .*m\.mxr: migraphx: not a program"):
        open_runtime(path)


def test_the_program_of_an_onnx_file_is_kept_beside_it(
    tiny_onnx: Path, tmp_path: Path, pictures: np.ndarray, compilations: list[str]
):
    path = tmp_path / "plates.onnx"
    path.write_bytes(tiny_onnx.read_bytes())
    wanted = open_runtime(path).run(pictures)
    for _ in range(2):
        assert same(open_runtime(path, "migraphx").run(pictures), wanted)
    assert compilations == ["plates.onnx"] and (tmp_path / "plates.mxr").is_file()
    later = (tmp_path / "plates.mxr").stat().st_mtime + 10
    os.utime(path, (later, later))
    open_runtime(path, "migraphx")
    assert compilations == ["plates.onnx"] * 2


@pytest.mark.parametrize(
    ("name", "runtime", "remedy"),
    [
        ("m.engine", None, r'tensorrt: pip install "chepai\[tensorrt\]"'),
        ("m.mxr", None, "migraphx: it comes with ROCm"),
        ("m.onnx", "migraphx", "migraphx: it comes with ROCm"),
        ("m.onnx", "openvino", r'openvino: pip install "chepai\[openvino\]"'),
    ],
)
def test_a_missing_package_is_named_with_what_brings_it(
    tiny_onnx: Path, tmp_path: Path, monkeypatch, name: str, runtime: str | None, remedy: str
):
    for package in ("tensorrt", "migraphx", "openvino"):
        monkeypatch.setitem(sys.modules, package, None)  # its import fails
    path = tmp_path / name
    path.write_bytes(tiny_onnx.read_bytes())
    (tmp_path / f"{name}.json").write_text(OnnxSource(tiny_onnx).card.to_json())
    with pytest.raises(InputError, match=f"this needs the package {remedy}"):
        open_runtime(path, runtime)
