"""What computes for ONNX Runtime: the processor, or an accelerator by one of its providers.

ONNX Runtime itself falls back to the processor in silence; here that is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import onnxruntime

from ...errors import InputError

# The largest batch that TensorRT prepares for; larger ones would make it build anew.
LARGEST_BATCH = 64


class _Provider(NamedTuple):
    name: str
    remedy: str


def _other_build(package: str) -> str:
    return f"pip uninstall onnxruntime, then pip install {package}"


PROVIDERS = {
    "cpu": _Provider("CPUExecutionProvider", _other_build("onnxruntime")),
    "cuda": _Provider("CUDAExecutionProvider", _other_build("'onnxruntime-gpu[cuda,cudnn]'")),
    "tensorrt": _Provider(
        "TensorrtExecutionProvider", _other_build("'onnxruntime-gpu[cuda,cudnn]' tensorrt")
    ),
    "migraphx": _Provider(
        "MIGraphXExecutionProvider", "pip uninstall onnxruntime, then install AMD's build for ROCm"
    ),
    "openvino": _Provider("OpenVINOExecutionProvider", _other_build("onnxruntime-openvino")),
}


def session_providers(provider: str, path: Path, threads: int | None) -> list[Any]:
    """What `InferenceSession` takes as `providers`, the processor for what the first cannot do.

    Raises:
        InputError: an unknown provider, or one that the installed ONNX Runtime lacks.
    """
    if provider not in PROVIDERS:
        raise InputError(f"unknown provider {provider!r}; there are: {', '.join(PROVIDERS)}")
    chosen = PROVIDERS[provider]
    if chosen.name not in onnxruntime.get_available_providers():
        raise InputError(
            f"the installed ONNX Runtime has no {chosen.name}, which --provider {provider} "
            f"needs: {chosen.remedy}"
        )
    if provider == "cpu":
        return [chosen.name]
    if provider in ("cuda", "tensorrt") and hasattr(onnxruntime, "preload_dlls"):
        # Finds CUDA and cuDNN where pip has put them.
        onnxruntime.preload_dlls()
    return [(chosen.name, _options(provider, path, threads)), PROVIDERS["cpu"].name]


def check_provider(session: onnxruntime.InferenceSession, provider: str, path: Path) -> None:
    """Refuses a session that has fallen back to the processor."""
    wanted = PROVIDERS[provider].name
    if wanted not in session.get_providers():
        raise InputError(
            f"ONNX Runtime cannot run {path} on {wanted}: its libraries or its device are missing; "
            f"{PROVIDERS[provider].remedy}"
        )


def _options(provider: str, path: Path, threads: int | None) -> dict[str, Any]:
    if provider == "tensorrt":
        return _tensorrt_options(path)
    if provider == "openvino" and threads is not None:
        return {"num_of_threads": str(threads)}
    return {}


def _tensorrt_options(path: Path) -> dict[str, Any]:
    """One engine for every batch up to the largest, kept beside the model: building takes long."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    image = session.get_inputs()[0]
    options: dict[str, Any] = {
        "trt_engine_cache_enable": True,
        "trt_engine_cache_path": str(path.parent / f"{path.name}.tensorrt"),
    }
    if isinstance(image.shape[0], int):
        return options
    size = "x".join(map(str, image.shape[1:]))
    batches = {"min": 1, "opt": LARGEST_BATCH, "max": LARGEST_BATCH}
    profile = {
        f"trt_profile_{name}_shapes": f"{image.name}:{batch}x{size}"
        for name, batch in batches.items()
    }
    return options | profile
