"""TensorRT, for NVIDIA's GPUs: runs an engine that `export --format tensorrt` built."""

from __future__ import annotations

from importlib import import_module
from math import prod
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ...frameworks import import_package
from ..model_card import ModelCard
from ..sidecar import read_sidecar
from .base import check_interface
from .batches import in_batches

REMEDY = 'pip install "chepai[tensorrt]"'


class TensorRtRuntime:
    """Runs a `.engine` file, whose optimisation profile says which batches it takes."""

    card: ModelCard

    def __init__(self, path: Path, threads: int | None = None) -> None:
        del threads  # the processor only waits
        tensorrt = import_package("tensorrt", REMEDY)
        self._cuda = _Cuda()
        self.card = read_sidecar(path)
        runtime = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.WARNING))
        self._engine = runtime.deserialize_cuda_engine(path.read_bytes())
        if self._engine is None:
            raise InputError(
                f"TensorRT {tensorrt.__version__} cannot load {path}: an engine runs on the GPU "
                "and the version that built it; export it here"
            )
        self._shapes = self._checked_shapes(path)
        self._context = self._engine.create_execution_context()
        smallest, _, largest = self._engine.get_tensor_profile_shape("image", 0)
        self._fixed, self._most = smallest[0] == largest[0], int(largest[0])
        self._buffers = self._allocate()
        self._stream = self._cuda.call("cudaStreamCreate")
        # The buffers hold the pictures and the answers of one run.
        self._lock = Lock()

    def run(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        """As `Runtime.run`."""
        return in_batches(self._run_once, images, self._most, self._fixed)

    def _run_once(self, images: npt.NDArray[np.uint8]) -> dict[str, npt.NDArray[np.float32]]:
        images = np.ascontiguousarray(images)
        with self._lock:
            self._context.set_input_shape("image", images.shape)
            self._cuda.copy_in(self._buffers["image"], images, self._stream)
            if not self._context.execute_async_v3(int(self._stream)):
                raise RuntimeError("TensorRT could not run the engine; its log says why")
            answers = {
                name: np.empty((len(images), *shape), np.float32)
                for name, shape in self._shapes.items()
            }
            for head, values in answers.items():
                self._cuda.copy_out(values, self._buffers[head], self._stream)
            self._cuda.call("cudaStreamSynchronize", self._stream)
        return answers

    def _checked_shapes(self, path: Path) -> dict[str, tuple[int, ...]]:
        """Of each output, for one picture."""
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        shapes = {name: tuple(self._engine.get_tensor_shape(name)) for name in names}
        image = shapes.pop("image", None)
        check_interface(path, self.card, image, {name: size[-1] for name, size in shapes.items()})
        return {name: shape[1:] for name, shape in shapes.items()}

    def _allocate(self) -> dict[str, int]:
        """An address on the GPU for each input and output of the largest batch."""
        sizes = {"image": self._most * self.card.height * self.card.width * 3}
        for name, shape in self._shapes.items():
            sizes[name] = self._most * prod(shape) * np.dtype(np.float32).itemsize
        buffers = {name: int(self._cuda.call("cudaMalloc", size)) for name, size in sizes.items()}
        for name, address in buffers.items():
            self._context.set_tensor_address(name, address)
        return buffers


class _Kinds(NamedTuple):
    to_device: Any
    to_host: Any


class _Cuda:
    """The few calls of CUDA's runtime that moving pictures takes."""

    def __init__(self) -> None:
        # cuda-python 13 has only the first of the two names, 12.0 to 12.5 only the second.
        try:
            self._runtime: Any = import_module("cuda.bindings.runtime")
        except ImportError:
            self._runtime = import_package("cuda.cudart", REMEDY)
        kind = self._runtime.cudaMemcpyKind
        self._kinds = _Kinds(kind.cudaMemcpyHostToDevice, kind.cudaMemcpyDeviceToHost)

    def call(self, name: str, *arguments: Any) -> Any:
        """What a call returns besides its status.

        Raises:
            RuntimeError: the status is not success.
        """
        status, *values = getattr(self._runtime, name)(*arguments)
        if int(status) != 0:
            raise RuntimeError(f"CUDA's {name} failed: {status}")
        return values[0] if values else None

    def copy_in(self, device: int, host: npt.NDArray[Any], stream: Any) -> None:
        """Copies an array to the GPU, in the stream's order."""
        kind = self._kinds.to_device
        self.call("cudaMemcpyAsync", device, host, host.nbytes, kind, stream)

    def copy_out(self, host: npt.NDArray[Any], device: int, stream: Any) -> None:
        """Fills an array from the GPU, in the stream's order."""
        kind = self._kinds.to_host
        self.call("cudaMemcpyAsync", host, device, host.nbytes, kind, stream)
