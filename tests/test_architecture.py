"""The house rule of design.md: which room may import which. Read from the source, not run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GROUND = {
    "config_errors",
    "config_overrides",
    "configs",
    "errors",
    "files",
    "frameworks",
    "keras_file",
    "presets",
    "yaml_text",
}
# room -> rooms it may import besides itself and the ground; `plate` and the ground are the base.
ROOMS = {
    "plate": set(),
    "backbone": set(),
    "dataset": {"plate", "utils"},
    "utils": {"plate"},
    "training": {"plate", "dataset", "utils"},
    "multi_label": {"plate", "backbone", "training", "dataset", "utils"},
    "sequence": {"plate", "backbone", "training", "dataset", "utils"},
    "inference": {"plate"},
    "serving": {"plate", "inference"},
    "export": {"plate", "backbone", "multi_label", "training", "dataset", "inference", "utils"},
}
FRAMEWORKS = {"tensorflow", "keras", "torch", "jax", "tf2onnx", "matplotlib"}
LIGHT_ROOMS = ("plate", "inference", "serving", "commands")
MODULES = sorted(
    file
    for file in ROOT.rglob("*.py")
    if file.relative_to(ROOT).parts[0] in {*ROOMS, "commands"} or file.parent == ROOT
)


def imported(tree: ast.AST, file: Path, top_level: bool = False) -> set[str]:
    """Absolute dotted names of all that `file` imports, its own package written `chepai`."""
    package = ["chepai", *file.relative_to(ROOT).parent.parts]
    found = set()
    for node in _statements(tree) if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            found.update(f"{source}.{alias.name}" for alias in node.names)
    return found


def _statements(tree: ast.AST):
    """What runs when the module is imported: neither functions nor `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from _statements(node)


def rooms_of(names: set[str]) -> set[str]:
    """The rooms or ground modules among dotted names."""
    return {name.split(".")[1] for name in names if name.startswith("chepai.")}


def tree_of(file: Path) -> ast.AST:
    return ast.parse(file.read_text(encoding="utf-8"))


def test_the_walk_sees_relative_absolute_and_inner_imports():
    source = "import keras\ndef f():\n    from ..plate import codec\n    from .. import configs\n"
    names = imported(ast.parse(source), ROOT / "dataset" / "x.py")
    assert names == {"keras", "chepai.plate.codec", "chepai.configs"}
    assert imported(ast.parse(source), ROOT / "dataset" / "x.py", top_level=True) == {"keras"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_stands_below_it(room: str):
    files = [file for file in MODULES if file.relative_to(ROOT).parts[0] == room]
    assert files, f"the room {room} is empty"
    allowed = ROOMS[room] | GROUND | {room, "__version__"}
    for file in files:
        name = file.relative_to(ROOT).as_posix()
        tree = tree_of(file)
        wrong = rooms_of(imported(tree, file)) - allowed
        assert not wrong, f"{name} imports {sorted(wrong)}"


@pytest.mark.parametrize("name", sorted(GROUND))
def test_the_ground_floor_imports_no_room(name: str):
    file = ROOT / f"{name}.py"
    assert rooms_of(imported(tree_of(file), file)) <= GROUND


def test_reading_and_the_command_line_load_no_framework_when_imported():
    light = [file for file in MODULES if file.relative_to(ROOT).parts[0] in LIGHT_ROOMS]
    light += [ROOT / "__init__.py", ROOT / "run.py", ROOT / "configs.py"]
    for file in light:
        names = imported(tree_of(file), file, top_level=True)
        heavy = {name.split(".")[0] for name in names} & FRAMEWORKS
        assert not heavy, f"{file.relative_to(ROOT)} imports {heavy} at its top level"


def test_modules_import_their_own_package_relatively():
    for file in MODULES:
        if file.name == "run.py":
            continue
        for node in ast.walk(tree_of(file)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            own = [name for name in names if name.split(".")[0] == "chepai"]
            assert not own, f"{file.relative_to(ROOT)} names its own package: {own}"
