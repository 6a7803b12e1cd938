"""What importing and installing the package brings with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"tensorflow", "keras", "torch", "jax", "onnxruntime", "cv2", "matplotlib", "PIL"}


def loaded_by(code: str, cwd: Path) -> set[str]:
    """Top-level packages that a fresh interpreter holds after `code`."""
    program = f"{code}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=cwd
    )
    return set(result.stdout.split("\n")[-2].split())


def test_importing_chepai_loads_no_framework_at_all(tmp_path: Path):
    assert not loaded_by("import chepai", tmp_path) & HEAVY


def test_the_reader_loads_onnx_runtime_but_no_training_framework(tmp_path: Path):
    loaded = loaded_by("from chepai import Reader", tmp_path)
    assert not loaded & {"tensorflow", "keras", "matplotlib", "torch", "jax"}


def test_the_command_line_lists_its_modes_without_importing_them(tmp_path: Path):
    code = "from chepai.run import modes\nassert 'train' in modes()"
    loaded = loaded_by(f"{code}\nimport sys\nassert 'chepai.commands' not in sys.modules", tmp_path)
    assert not loaded & (HEAVY | {"numpy"})


def test_every_package_folder_is_installed_and_tests_are_not():
    program = "import runpy, setuptools; setuptools.setup = lambda **k: print(*k['packages'])\n"
    program += f"runpy.run_path({str(ROOT / 'setup.py')!r})"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    listed = set(result.stdout.split())
    skipped = {"tests", "benchmarks", "build", ".venv", ".typing"}
    folders = {
        ".".join(["chepai", *file.parent.relative_to(ROOT).parts])
        for room in ROOT.iterdir()
        if room.is_dir() and room.name not in skipped
        for file in room.rglob("__init__.py")
    }
    assert listed == folders | {"chepai"}
