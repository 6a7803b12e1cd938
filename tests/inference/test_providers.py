"""Providers of ONNX Runtime: what is asked of them, and that the processor never stands in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from chepai import Reader
from chepai.errors import InputError
from chepai.inference.runtimes import onnx_providers, open_runtime

CPU = "CPUExecutionProvider"
NAMES = {name: provider.name for name, provider in onnx_providers.PROVIDERS.items()}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list:
    """An ONNX Runtime with every provider: what sessions asked for, which run on the processor."""
    opened = []
    session_of = onnxruntime.InferenceSession

    class Session:
        def __init__(self, path, options=None, providers=()):
            opened.append(providers)
            self._session = session_of(path, options, providers=[CPU])
            first = providers[0]
            self._providers = [first if isinstance(first, str) else first[0], CPU]

        def __getattr__(self, name):
            return getattr(self._session, name)

        def get_providers(self):
            return self._providers

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(NAMES.values()))
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    return opened


@pytest.mark.parametrize("provider", NAMES)
def test_the_wanted_provider_comes_first(tiny_onnx: Path, asked: list, provider: str):
    reader = Reader(tiny_onnx, provider=provider, threads=2)
    assert reader.read(np.zeros((20, 60, 3), np.uint8))[0].error is None
    first = asked[-1][0]
    assert (first if provider == "cpu" else first[0]) == NAMES[provider]


def test_tensorrt_prepares_one_engine_for_every_batch(tiny_onnx: Path, asked: list):
    open_runtime(tiny_onnx, provider="tensorrt")
    _, options = asked[-1][0]
    assert options["trt_profile_min_shapes"] == "image:1x32x96x3"
    assert options["trt_profile_max_shapes"] == "image:64x32x96x3"
    assert options["trt_engine_cache_path"] == f"{tiny_onnx}.tensorrt"


def test_a_fixed_batch_needs_no_profile(tiny_files: Path, asked: list):
    open_runtime(tiny_files / "fixed.onnx", provider="tensorrt")
    assert not [key for key in asked[-1][0][1] if "profile" in key]


def test_a_provider_that_this_build_lacks_is_named_with_its_remedy(tiny_onnx: Path):
    with pytest.raises(InputError, match=r"has no MIGraphXExecutionProvider, .*AMD's build"):
        open_runtime(tiny_onnx, provider="migraphx")
    with pytest.raises(InputError, match="unknown provider 'abacus'; there are: cpu, cuda"):
        open_runtime(tiny_onnx, provider="abacus")


@pytest.mark.usefixtures("asked")
def test_a_silent_fall_back_to_the_processor_is_refused(
    tiny_onnx: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(onnxruntime.InferenceSession, "get_providers", lambda _: [CPU])
    with pytest.raises(InputError, match=r"cannot run .* on CUDAExecutionProvider"):
        open_runtime(tiny_onnx, provider="cuda")


def test_a_provider_belongs_to_onnx_runtime(tiny_files: Path):
    with pytest.raises(InputError, match="--provider belongs to the runtime onnx, not to keras"):
        open_runtime(tiny_files / "tiny.keras", provider="cuda")
