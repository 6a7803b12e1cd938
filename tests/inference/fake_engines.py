"""Stand-ins for TensorRT, CUDA's runtime and MIGraphX, which need GPUs of their makers.

Each has the calls that chepai makes, under the names and with the arguments of the libraries'
public documentation (TensorRT 10 and 11, cuda-python 12 and 13, MIGraphX of ROCm 6 and 7), refuses
what the libraries refuse, and computes by ONNX Runtime. So the code is exercised up to the calls.
"""

from __future__ import annotations

import enum
import functools
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import onnx
import onnxruntime


def session_of(content: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


class Memory:
    """What cudaMalloc gives: addresses with bytes behind them."""

    def __init__(self) -> None:
        self.blocks: dict[int, bytearray] = {}

    def allocate(self, size: int) -> int:
        address = 4096 * (len(self.blocks) + 1) * 1024
        self.blocks[address] = bytearray(size)
        return address


def fake_cuda(memory: Memory) -> ModuleType:
    """As `cuda.bindings.runtime`: every call returns a tuple that begins with its status."""
    module = ModuleType("cuda.bindings.runtime")
    kinds = enum.IntEnum(
        "cudaMemcpyKind", {"cudaMemcpyHostToDevice": 1, "cudaMemcpyDeviceToHost": 2}
    )

    def copy(target, source, size, kind, stream):
        assert int(stream) == 7 and isinstance(kind, kinds)
        if kind == kinds.cudaMemcpyHostToDevice:
            assert source.flags.c_contiguous and source.nbytes == size
            memory.blocks[target][:size] = source.tobytes()
        else:
            values = np.frombuffer(bytes(memory.blocks[source][:size]), target.dtype)
            target[...] = values.reshape(target.shape)
        return (0,)

    module.cudaMemcpyKind = kinds
    module.cudaMalloc = lambda size: (0, memory.allocate(size))
    module.cudaStreamCreate = lambda: (0, 7)
    module.cudaStreamSynchronize = lambda _: (0,)
    module.cudaMemcpyAsync = copy
    return module


class FakeContext:
    """tensorrt.IExecutionContext."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self._shape: tuple[int, ...] | None = None
        self._addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        smallest, _, largest = self._engine.profile
        assert name == "image" and smallest[0] <= shape[0] <= largest[0]
        self._shape = tuple(shape)
        return True

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        assert stream_handle == 7 and set(self._addresses) == set(self._engine.names)
        blocks = self._engine.memory.blocks
        size = int(np.prod(self._shape))
        image = np.frombuffer(bytes(blocks[self._addresses["image"]][:size]), np.uint8)
        outputs = [output.name for output in self._engine.session.get_outputs()]
        answers = self._engine.session.run(None, {"image": image.reshape(self._shape)})
        for name, values in zip(outputs, answers, strict=True):
            blocks[self._addresses[name]][: values.nbytes] = values.tobytes()
        return True


class FakeEngine:
    """tensorrt.ICudaEngine: of the bytes that the fake builder gave."""

    def __init__(self, content: bytes, memory: Memory) -> None:
        profile, _, graph = content.removeprefix(b"engine ").partition(b"\n")
        self.profile = [tuple(map(int, s.split("x"))) for s in profile.decode().split(",")]
        self.session, self.memory = session_of(graph), memory
        self.shapes = {
            port.name: tuple(size if isinstance(size, int) else -1 for size in port.shape)
            for port in (*self.session.get_inputs(), *self.session.get_outputs())
        }
        self.names = list(self.shapes)

    @property
    def num_io_tensors(self) -> int:
        return len(self.names)

    def get_tensor_name(self, index: int) -> str:
        return self.names[index]

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shapes[name]

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        assert name == "image" and profile == 0
        return self.profile

    def create_execution_context(self) -> FakeContext:
        return FakeContext(self)


Flags = enum.IntEnum("Flags", {"STRONGLY_TYPED": 1})


class FakeLogger:
    """trt.Logger."""

    WARNING = 2

    def __init__(self, severity: int) -> None:
        assert severity == FakeLogger.WARNING


class FakeNetwork:
    """trt.INetworkDefinition."""

    def __init__(self, flags: int) -> None:
        assert flags == 1 << int(Flags.STRONGLY_TYPED)
        self.content = b""


class FakeParser:
    """trt.OnnxParser, which takes no unsigned activations."""

    def __init__(self, network: FakeNetwork, logger: FakeLogger) -> None:
        assert isinstance(logger, FakeLogger)
        self._network, self.num_errors = network, 0

    def parse(self, content: bytes) -> bool:
        self._network.content = content
        quantised = b"QuantizeLinear" in content
        self.num_errors = int(quantised)
        return not quantised

    def get_error(self, index: int) -> str:
        return f"node {index}: unsigned activations"


class FakeBuilderConfig:
    """trt.IBuilderConfig."""

    def __init__(self) -> None:
        self.profiles: list[list[tuple[int, ...]]] = []

    def add_optimization_profile(self, profile: FakeProfile) -> int:
        self.profiles.append(profile.shapes)
        return len(self.profiles) - 1


class FakeProfile(SimpleNamespace):
    """trt.IOptimizationProfile."""

    def set_shape(self, name: str, smallest, best, largest) -> None:
        assert name == "image"
        self.shapes = [smallest, best, largest]


class FakeBuilder:
    """trt.Builder."""

    create_network = staticmethod(FakeNetwork)
    create_builder_config = staticmethod(FakeBuilderConfig)
    create_optimization_profile = staticmethod(FakeProfile)

    def __init__(self, logger: FakeLogger) -> None:
        assert isinstance(logger, FakeLogger)

    def build_serialized_network(
        self, network: FakeNetwork, config: FakeBuilderConfig
    ) -> bytearray | None:
        image = onnx.load_from_string(network.content).graph.input[0].type.tensor_type.shape
        shape = tuple(size.dim_value for size in image.dim)
        if shape[0] == 0 and not config.profiles:
            return None  # a dynamic input without a profile
        shapes = config.profiles[0] if config.profiles else [shape] * 3
        text = ",".join("x".join(map(str, each)) for each in shapes)
        return bytearray(b"engine " + text.encode() + b"\n" + network.content)


class FakeRuntime:
    """trt.Runtime."""

    def __init__(self, memory: Memory, logger: FakeLogger) -> None:
        assert isinstance(logger, FakeLogger)
        self._memory = memory

    def deserialize_cuda_engine(self, content: bytes) -> FakeEngine | None:
        return FakeEngine(content, self._memory) if content.startswith(b"engine ") else None


def fake_tensorrt(memory: Memory) -> ModuleType:
    """As `tensorrt` of version 11, in which networks are strongly typed."""
    module = ModuleType("tensorrt")
    module.__version__ = "11.0.0"
    module.NetworkDefinitionCreationFlag = Flags
    module.Logger, module.Builder, module.OnnxParser = FakeLogger, FakeBuilder, FakeParser
    module.Runtime = functools.partial(FakeRuntime, memory)
    return module


class FakeProgram:
    """migraphx.program."""

    def __init__(self, content: bytes, batch: int, compiled: bool = False) -> None:
        self.content, self.batch, self.compiled = content, batch, compiled
        self._session = session_of(content)

    def compile(self, target: str) -> None:
        assert target == "target gpu"
        self.compiled = True

    def get_parameter_shapes(self) -> dict[str, SimpleNamespace]:
        return {port.name: self._lens(port) for port in self._session.get_inputs()}

    def get_output_shapes(self) -> list[SimpleNamespace]:
        return [self._lens(port) for port in self._session.get_outputs()]

    def run(self, parameters: dict[str, np.ndarray]) -> list[np.ndarray]:
        assert self.compiled and len(parameters["image"]) == self.batch
        return self._session.run(None, parameters)

    def _lens(self, port) -> SimpleNamespace:
        return SimpleNamespace(lens=lambda: [self.batch, *port.shape[1:]])


def fake_migraphx(compilations: list[str]) -> ModuleType:
    """As `migraphx`; notes the files that were compiled."""
    module = ModuleType("migraphx")

    def parse_onnx(filename: str, map_input_dims: dict[str, list[int]]) -> FakeProgram:
        compilations.append(Path(filename).name)
        return FakeProgram(Path(filename).read_bytes(), map_input_dims["image"][0])

    def save(program: FakeProgram, filename: str) -> None:
        Path(filename).write_bytes(f"mxr {program.batch}\n".encode() + program.content)

    def load(filename: str) -> FakeProgram:
        head, _, content = Path(filename).read_bytes().partition(b"\n")
        if not head.startswith(b"mxr "):
            raise RuntimeError("migraphx: not a program")
        return FakeProgram(content, int(head.removeprefix(b"mxr ")), compiled=True)

    module.parse_onnx, module.save, module.load = parse_onnx, save, load
    module.get_target = lambda name: f"target {name}"
    return module
