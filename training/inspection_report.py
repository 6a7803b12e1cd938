"""A training step's figures as tables and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from .inspection import Fault, LayerFigures, WeightFigures


def inspection_tables(layers: Sequence[LayerFigures], weights: Sequence[WeightFigures]) -> str:
    """Two tables in plain text: layers in the order of the forward pass, and their weights."""
    first = [("layer", "output", "min", "max", "mean", "std", "zeros", "gradient")]
    second = [("weight", "shape", "norm", "gradient", "update / weight")]
    return "\n\n".join(
        (
            _aligned([*first, *map(_layer_row, layers)], texts=2),
            _aligned([*second, *map(_weight_row, weights)], texts=2),
        )
    )


def inspection_json(
    layers: Sequence[LayerFigures],
    weights: Sequence[WeightFigures],
    faults: Sequence[Fault],
    **others: Any,
) -> dict[str, Any]:
    """Plain values; a number that is not finite is None, and counted in its layer's output."""
    return _plain(
        {
            "finite": not faults,
            "faults": [asdict(fault) for fault in faults],
            **others,
            "layers": [asdict(layer) for layer in layers],
            "weights": [asdict(weight) for weight in weights],
        }
    )


def _layer_row(layer: LayerFigures) -> tuple[str, ...]:
    out = layer.output
    figures = (out.minimum, out.maximum, out.mean, out.std)
    zeros = "-" if out.zeros is None else f"{100 * out.zeros:.1f} %"
    fault = f"  {out.fault}" if out.fault else ""
    shape = "x".join(map(str, layer.shape)) + (f" ({layer.tensors})" if layer.tensors > 1 else "")
    return layer.name, shape, *map(_number, figures), zeros, _number(layer.gradient) + fault


def _weight_row(weight: WeightFigures) -> tuple[str, ...]:
    shape = "x".join(map(str, weight.shape)) or "1"
    figures = (weight.norm, weight.gradient, weight.ratio)
    return f"{weight.layer}/{weight.name}", shape, *map(_number, figures)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"


def _aligned(rows: Sequence[Sequence[str]], texts: int) -> str:
    """Columns of equal width: the first `texts` to the left, numbers to the right."""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if place < texts else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, wide, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
