"""The precision that a network is trained in."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import keras

_PROCESSOR = Path("/proc/cpuinfo")
_BFLOAT16 = re.compile(r"^flags\s*:.*\b(avx512_bf16|amx_bf16)\b", re.MULTILINE)


def policy_of(precision: str) -> str:
    """Keras's dtype policy for a `train.precision`: `auto` is what this machine is fast in."""
    if precision != "auto":
        return precision
    return "mixed_bfloat16" if computes_in_bfloat16() else "float32"


@cache
def computes_in_bfloat16() -> bool:
    """Whether training here is faster in bfloat16: on a card, or on some processors.

    Of processors these are x86 with AVX512-BF16 or AMX under Linux, and Keras on TensorFlow. On one
    with AVX2 alone a step of `resnet18-position` took 17 times as long as in float32 (TensorFlow
    2.21, 2026-11-29), and JAX 0.11 made NaN in bfloat16.
    """
    backend = keras.backend.backend()
    if _has_card(backend):
        return True
    return backend == "tensorflow" and _processor_has_bfloat16()


def _has_card(backend: str) -> bool:
    if backend == "torch":
        import torch

        return torch.cuda.is_available()
    return any(not name.startswith("cpu") for name in keras.distribution.list_devices())


def _processor_has_bfloat16() -> bool:
    try:
        return _BFLOAT16.search(_PROCESSOR.read_text(encoding="utf-8")) is not None
    except OSError:
        return False
