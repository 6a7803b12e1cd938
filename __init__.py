"""chepai (车牌) reads licence plates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .inference.reader import Reader, Reading

__version__ = "0.1.0"
__all__ = ["Reader", "Reading", "__version__"]


def __getattr__(name: str) -> Any:
    # OpenCV and ONNX Runtime are loaded when a Reader is wanted, not when the package is named.
    if name in ("Reader", "Reading"):
        from .inference import reader

        return getattr(reader, name)
    raise AttributeError(f"module 'chepai' has no attribute {name!r}")
