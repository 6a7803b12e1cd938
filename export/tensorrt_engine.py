"""TensorRT engines, built for the GPU of this machine by the version that is installed."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..frameworks import import_package
from ..inference.model_card import ModelCard
from ..inference.runtimes.tensorrt_runtime import REMEDY

_LARGEST_BATCH = 64


@dataclass(frozen=True)
class Profile:
    """The batches that an engine takes, and the one that it is fastest for."""

    smallest: int
    best: int
    largest: int

    @classmethod
    def of(cls, batch: int | None) -> Profile:
        """For always `batch` pictures; None: from one to a reader's largest batch."""
        return cls(1, _LARGEST_BATCH, _LARGEST_BATCH) if batch is None else cls(*[batch] * 3)

    def shapes(self, card: ModelCard) -> list[tuple[int, int, int, int]]:
        """Of the pictures, in the order of the fields."""
        batches = (self.smallest, self.best, self.largest)
        return [(batch, card.height, card.width, 3) for batch in batches]


def write_engine(graph: Any, path: Path, card: ModelCard, batch: int | None) -> None:
    """Builds an engine of an ONNX graph; it computes in the precision that the graph has.

    Networks are strongly typed: TensorRT 11 has no other kind, and 10 keeps what was proven.

    Raises:
        InputError: TensorRT is missing, or cannot build it.
    """
    trt = import_package("tensorrt", REMEDY)
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(graph.SerializeToString()):
        reasons = [str(parser.get_error(index)) for index in range(parser.num_errors)]
        raise InputError(f"TensorRT cannot take the model: {'; '.join(reasons)}")
    config = builder.create_builder_config()
    if batch is None:
        profile = builder.create_optimization_profile()
        profile.set_shape("image", *Profile.of(batch).shapes(card))
        config.add_optimization_profile(profile)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise InputError("TensorRT could not build the engine; its log says why")
    path.write_bytes(bytes(engine))


def trtexec_line(onnx: Path, engine: Path, card: ModelCard, batch: int | None) -> str:
    """The command of TensorRT's own tool that builds the same engine."""
    words = ["trtexec", f"--onnx={onnx}", f"--saveEngine={engine}", "--stronglyTyped"]
    if batch is None:
        names = ("minShapes", "optShapes", "maxShapes")
        shapes = ["x".join(map(str, shape)) for shape in Profile.of(batch).shapes(card)]
        words += [f"--{name}=image:{shape}" for name, shape in zip(names, shapes, strict=True)]
    return shlex.join(words)
