"""`train.precision=auto` is bfloat16 only where that is fast."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest
from chepai.configs import load_config
from chepai.training import precision
from chepai.training.loop import prepare_framework

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow" or precision._has_card(keras.backend.backend()),
    reason="processors are told apart by Keras on TensorFlow, where there is no card",
)

EPYC_ZEN2 = "processor\t: 0\nflags\t\t: fpu sse2 fma avx avx2 bmi2 clflushopt\nbugs\t\t: spectre\n"
EPYC_ZEN4 = "processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_vnni avx512_bf16 clzero\n"
XEON = "flags\t\t: fpu avx2 avx512f amx_bf16 avx512_fp16 amx_tile\n"
NAMED_SO = "model name\t: avx512_bf16\nflags\t\t: fpu avx2\n"


@pytest.fixture
def on_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def pretend(cpuinfo: str | None) -> None:
        file = tmp_path / "cpuinfo"
        if cpuinfo is not None:
            file.write_text(cpuinfo, encoding="utf-8")
        monkeypatch.setattr(precision, "_PROCESSOR", file)
        precision.computes_in_bfloat16.cache_clear()

    yield pretend
    monkeypatch.undo()
    precision.computes_in_bfloat16.cache_clear()
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    ("cpuinfo", "policy"),
    [
        (EPYC_ZEN2, "float32"),
        (EPYC_ZEN4, "mixed_bfloat16"),
        (XEON, "mixed_bfloat16"),
        (NAMED_SO, "float32"),
        (None, "float32"),
    ],
    ids=["avx2", "avx512-bf16", "amx", "only called so", "unknown"],
)
def test_auto_follows_the_processor(cpuinfo: str | None, policy: str, on_processor) -> None:
    on_processor(cpuinfo)
    prepare_framework(load_config("student"))
    assert keras.config.dtype_policy().name == policy


def test_a_named_precision_is_taken_whatever_the_processor(on_processor) -> None:
    on_processor(EPYC_ZEN2)
    assert precision.policy_of("mixed_bfloat16") == "mixed_bfloat16"
    on_processor(EPYC_ZEN4)
    assert precision.policy_of("float32") == "float32"


def test_jax_on_a_processor_trains_in_float32(
    on_processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_processor(EPYC_ZEN4)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert precision.policy_of("auto") == "float32"
