"""What a measurement was made on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from .pipeline import processors

# Those of them that are installed are named.
PACKAGES = (
    "chepai", "numpy", "opencv-python-headless", "onnxruntime", "onnxruntime-gpu", "openvino",
    "ai-edge-litert", "tensorrt", "keras", "tensorflow", "tensorflow-cpu",
)  # fmt: skip


def describe_machine() -> dict[str, Any]:
    """Processor, system, package versions and the time, as plain values.

    `load` is how many programs wanted a processor during the last minute: what is measured
    beside others is slower than on an idle machine.
    """
    return {
        "processor": _processor(),
        "processors": processors(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": _versions(),
        "date": datetime.now(UTC).date().isoformat(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    """The model's name as Linux gives it, with what matters most to networks."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    values = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    flags = set(values.get("flags", "").split())
    wide = {"avx2": "AVX2", "avx512f": "AVX512", "avx512_vnni": "VNNI", "avx512_bf16": "BF16"}
    known = "-".join(name for flag, name in wide.items() if flag in flags)
    return f"{values.get('model name', platform.machine())} {known}".strip()


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
