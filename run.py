"""The command line: `python run.py --mode MODE …`, and `chepai MODE …` where installed.

A mode is a file of `commands/`: its `HELP`, `add_arguments(parser)` and `run(args)`. Only the
wanted one is imported, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import importlib.util
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent
# Other names of modes, and what they say besides: the original's users know them.
ALIASES = {
    "generate": ("generate-txt",),
    "save-pb": ("export", "--format", "frozen-graph"),
    "save-serving": ("export", "--format", "saved-model"),
}
# What brings a package that the light base install leaves out.
EXTRAS = {
    "tensorflow": "train",
    "keras": "train",
    "tf2onnx": "train",
    "onnx": "export",
    "matplotlib": "plot",
    "PIL": "render",
    "fastapi": "serve",
    "httptools": "serve",
    "prometheus_client": "serve",
    "python_multipart": "serve",
    "starlette": "serve",
    "uvicorn": "serve",
}


def _load_this_folder_as_chepai() -> None:
    """Makes `import chepai` mean the folder of this file, whatever it is called, installed or not.

    At the module's top level, because worker processes import this file again before they unpickle
    what they are sent. The folder itself leaves the path: nothing must find a top-level `utils`.
    """
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    spec = importlib.util.spec_from_file_location(
        "chepai", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["chepai"] = package
    spec.loader.exec_module(package)


if not __package__ and "chepai" not in sys.modules:
    _load_this_folder_as_chepai()


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Lists the defaults, except those that say nothing."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default is None or action.default is False or action.default in ([], (), ""):
            return action.help
        return super()._get_help_string(action)


class _Parser(argparse.ArgumentParser):
    """Wrong arguments are bad input like any other: one sentence, exit status 2."""

    def error(self, message: str) -> NoReturn:
        from chepai.errors import InputError

        raise InputError(f"{message}; see `{self.prog} --help`")


def modes() -> dict[str, str]:
    """All modes by name with their one-line help, read from `commands/` without importing it."""
    files = sorted((ROOT / "commands").glob("[!_]*.py"))
    found = {file.stem.replace("_", "-"): _help_of(file) for file in files}
    return {name: text for name, text in found.items() if text is not None}


def _help_of(file: Path) -> str | None:
    """The value of `HELP`, or None for a file that is no mode but helps one."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "HELP":
            return str(ast.literal_eval(node.value))  # type: ignore[attr-defined]
    return None


def split_mode(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The mode that the arguments name, and the others.

    >>> split_mode(["--mode", "predict", "a.jpg"])
    ('predict', ['a.jpg'])
    >>> split_mode(["--debug", "predict", "a.jpg"])
    ('predict', ['--debug', 'a.jpg'])
    """
    rest = list(arguments)
    for place, argument in enumerate(rest):
        if argument == "--mode" and place + 1 < len(rest):
            return rest[place + 1], rest[:place] + rest[place + 2 :]
        if argument.startswith("--mode="):
            return argument.removeprefix("--mode="), rest[:place] + rest[place + 1 :]
    words = [place for place, argument in enumerate(rest) if argument != "--debug"]
    if words and not rest[words[0]].startswith("-"):
        return rest.pop(words[0]), rest
    return None, rest


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one mode; returns the exit status: 0, 1 (it says why), 2 (bad input), 130 (Ctrl-C)."""
    from chepai.errors import InputError

    given = list(sys.argv[1:] if arguments is None else arguments)
    # A terminal or pipe of another encoding shows plates as escapes instead of ending the work.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(given)
    except InputError as error:
        return _fail(str(error), 2, "--debug" in given)
    except KeyboardInterrupt:
        return _fail("interrupted", 130, "--debug" in given)
    except BrokenPipeError:
        # The reader of our output, such as `head`, has had enough; nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        return _fail(_missing_sentence(error), 1, "--debug" in given)
    except Exception as error:
        sentence = f"unexpected {type(error).__name__}: {error}; --debug shows where"
        return _fail(sentence, 1, "--debug" in given)


def _dispatch(arguments: list[str]) -> int:
    mode, rest = split_mode(arguments)
    if mode is None:
        return _run_without_mode(rest)
    name, *implied = _mode_name(mode)
    command = importlib.import_module(f"chepai.commands.{name.replace('-', '_')}")
    parser = _Parser(prog=f"chepai {name}", description=command.HELP, formatter_class=_Help)
    command.add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return int(command.run(parser.parse_args([*implied, *rest])))


def _run_without_mode(arguments: list[str]) -> int:
    from chepai import __version__

    lines = "\n".join(f"  {name:<14} {text}" for name, text in modes().items())
    parser = _Parser(
        prog="chepai",
        usage="chepai MODE … (or: python run.py --mode MODE …)",
        description="Reads licence plates, and trains what reads them.",
        epilog=f"modes:\n{lines}\n\n`chepai MODE --help` tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.parse_args(arguments)
    if not arguments:
        parser.print_help()
        return 0
    parser.error("no mode was given")


def _mode_name(mode: str) -> tuple[str, ...]:
    """The mode's own name, and the options that another name of it stands for."""
    from chepai.errors import InputError

    wanted = mode.replace("_", "-").lower()
    known = modes()
    if wanted in ALIASES:
        return ALIASES[wanted]
    if wanted in known:
        return (wanted,)
    close = difflib.get_close_matches(wanted, known, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    raise InputError(f"unknown mode {mode!r}; {hint}there are: {', '.join(known)}")


def _missing_sentence(error: ModuleNotFoundError) -> str:
    package = (error.name or "").partition(".")[0]
    extra = EXTRAS.get(package)
    remedy = f"pip install 'chepai[{extra}]'" if extra else f"pip install {package}"
    return f"this mode needs the package {package}, which is not installed; {remedy} brings it"


def _fail(sentence: str, status: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"chepai: error: {sentence}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
