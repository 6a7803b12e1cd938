"""Maps the repository's root to the package `chepai` and lists what it needs."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
VERSION = re.search(r'^__version__ = "(.+)"$', (ROOT / "__init__.py").read_text("utf-8"), re.M)
assert VERSION, "__init__.py states no __version__"

NOT_SHIPPED = ("tests", "tests.*", "benchmarks", "benchmarks.*", "build", "build.*")
ROOMS = sorted(find_packages(str(ROOT), exclude=NOT_SHIPPED))

READING = [
    "numpy>=2.0,<3",
    "onnxruntime>=1.20,<2",
    "opencv-python-headless>=5,<6",
    "pydantic>=2.10,<3",
    "PyYAML>=6.0,<7",
    "tqdm>=4.66,<5",
]
RENDERING = [
    "fontpkg-fjalla-one>=1.2,<2",
    "noto-cjk-sans-jp-bold>=0.0.1,<1",
    "pillow>=11",
]
PLOTTING = ["matplotlib>=3.9,<4"]
TRAINING = [
    *RENDERING,
    "keras>=3.15,<4",
    *PLOTTING,
    "onnx>=1.17,<2",
    "tensorboard>=2.20,<3",
    "tf2onnx>=1.17,<2",
]
SERVING = [
    "fastapi>=0.165,<1",
    "httptools>=0.9,<1",
    "prometheus-client>=0.26,<1",
    "python-multipart>=0.0.34,<0.1",
    "uvicorn>=0.54,<1",
    "uvloop>=0.23,<1; sys_platform != 'win32'",
]
REMOTE = ["fsspec>=2024.6"]
# Formats that are made of an ONNX file, without TensorFlow; and int8, which is calibrated on
# rendered plates.
EXPORTING = [*RENDERING, "onnx>=1.17,<2"]
DEVELOPMENT = [
    "httpx2>=2.16,<3",
    "mypy>=2.4,<3",
    "playwright>=1.65,<2",
    "pytest>=9,<10",
    "pytest-xdist>=3.8,<4",
    "ruff>=0.17,<0.18",
    "types-PyYAML>=6.0",
    "types-tqdm>=4.66",
]


class BuildPackage(build_py):
    """Leaves this file out, which lies in the package's folder but is no module of it."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """The modules of one package: (package, module, file)."""
        found = super().find_package_modules(package, package_dir)
        return [module for module in found if module[:2] != ("chepai", "setup")]


setup(
    name="chepai",
    version=VERSION.group(1),
    description="Reads licence plates: trains, tests, exports and serves multi-label recognisers",
    long_description=(ROOT / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.11",
    cmdclass={"build_py": BuildPackage},
    package_dir={"chepai": "."},
    packages=["chepai", *(f"chepai.{room}" for room in ROOMS)],
    package_data={
        "chepai": ["py.typed", "pretrained/*.json", "pretrained/*.md", "pretrained/*.onnx"],
        "chepai.plate": ["schemas/*.yaml"],
        "chepai.inference": ["samples/*"],
        "chepai.serving": ["page/*"],
    },
    install_requires=READING,
    extras_require={
        "render": RENDERING,
        # The wheel of `tensorflow-cpu` is half as large; `tensorflow` also drives a GPU.
        "train": ["tensorflow>=2.21,<2.22", *TRAINING],
        "train-cpu": ["tensorflow-cpu>=2.21,<2.22", *TRAINING],
        "serve": SERVING,
        # What `predict` reads from, writes and runs on besides files of this machine.
        "remote": REMOTE,
        "parquet": ["pyarrow>=17"],
        "ray": ["ray[data]>=2.40,<3", *REMOTE],
        "export": EXPORTING,
        "plot": PLOTTING,
        # One a runtime; ONNX Runtime is in the base, MIGraphX comes with ROCm.
        "openvino": ["openvino>=2025.0,<2027"],
        "litert": ["ai-edge-litert>=2.0,<3"],
        "tensorrt": ["tensorrt>=10.12,<12", "cuda-python>=12.0,<14"],
        "dev": DEVELOPMENT,
        # Tests compare losses and layers with PyTorch where it is there.
        "parity": ["torch>=2.9,<3"],
    },
    entry_points={"console_scripts": ["chepai = chepai.run:main"]},
    classifiers=[
        "Intended Audience :: Developers",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3.11",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
)
