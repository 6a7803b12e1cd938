"""From a float32 graph to int8: which nodes stay in float32 is found out on plates."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..inference.model_card import ModelCard
from ..inference.runtimes import Runtime, open_runtime
from .agreement import agreement, answers_of, surely_read
from .int8 import Quantiser
from .sensitivity import choose_nodes

# Weights per channel are of this opset and later ones.
QUANTISED_OPSET = 13
# The share of the probability that may move to other classes, on the mean over pictures and heads.
# With all nodes in int8, weights of 8 bits, `default` moved 0.0005 on photographs and 0.003 on hard
# rendered plates, of which no sure reading changed.
LOSS_BAR = 0.005
_FEWEST_SURE = 32


def quantised_graph(
    graph: Any, card: ModelCard, source: Runtime, pictures: npt.NDArray[np.uint8]
) -> tuple[Any, tuple[str, ...]]:
    """An int8 onnx.ModelProto, and the names of the nodes that it leaves in float32.

    Args:
        graph: an onnx.ModelProto in float32 with its card.
        card: the source's.
        source: what it has to agree with.
        pictures: uint8 [n, height, width, 3]. From the first half ranges are taken; on those of
            the rest that the source reads surely the nodes are chosen.
    """
    half = (len(pictures) + 1) // 2
    quantiser = Quantiser(graph, pictures[:half])
    judged = pictures[half:] if len(pictures) > 1 else pictures
    wanted = answers_of(source, judged)
    # What the source cannot read itself, such as letters that it has not learned, is moved by
    # anything: judged by plates in open fonts, `default` left six nodes in float32 in vain.
    sure = surely_read(card, wanted)
    if sure.sum() >= _FEWEST_SURE:
        judged, wanted = judged[sure], {head: values[sure] for head, values in wanted.items()}

    def loss(nodes: Sequence[str]) -> float:
        received = answers_of(graph_runtime(quantiser.quantised(nodes)), judged)
        return agreement(card, wanted, received).loss

    choice = choose_nodes(quantiser.nodes, loss, LOSS_BAR)
    return quantiser.quantised(choice.quantised), choice.left_out


def graph_runtime(graph: Any) -> Runtime:
    """ONNX Runtime on an onnx.ModelProto that carries its card."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(graph.SerializeToString())
        return open_runtime(path)
