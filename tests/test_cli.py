"""The command line as a user meets it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from chepai import __version__, run

ROOT = Path(run.__file__).resolve().parent


def call(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """(status, standard output, standard error) of `chepai ARGUMENTS`."""
    try:
        status = run.main(arguments)
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("mode", run.modes())
def test_every_mode_helps_and_says_in_one_line_what_it_does(
    mode: str, capsys: pytest.CaptureFixture[str]
):
    assert run.modes()[mode] and "\n" not in run.modes()[mode]
    status, out, err = call(mode, "--help", capsys=capsys)
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: chepai {mode}") and "--debug" in out


def test_without_a_mode_all_modes_are_listed(capsys: pytest.CaptureFixture[str]):
    for arguments in ((), ("--help",)):
        status, out, _ = call(*arguments, capsys=capsys)
        assert status == 0
        assert all(f"  {mode} " in out for mode in run.modes())


def test_the_version_is_the_package_s(capsys: pytest.CaptureFixture[str]):
    assert call("--version", capsys=capsys)[:2] == (0, f"{__version__}\n")


def test_the_mode_may_stand_first_or_behind_the_option():
    assert run.split_mode(["predict", "a.jpg"]) == ("predict", ["a.jpg"])
    assert run.split_mode(["a.jpg", "--mode", "predict"]) == ("predict", ["a.jpg"])
    assert run.split_mode(["--mode=predict", "a.jpg"]) == ("predict", ["a.jpg"])
    assert run.split_mode(["--debug", "predict"]) == ("predict", ["--debug"])
    assert run.split_mode(["--version"]) == (None, ["--version"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("predikt", "a.jpg"), "unknown mode 'predikt'; did you mean predict? there are: "),
        (("--mode", "zzz"), "unknown mode 'zzz'; there are: "),
        (("predict", "--no-such-option"), "--help"),
        (("predict", "--model", "nowhere.onnx", "a.jpg"), "nowhere.onnx"),
        (("--mode",), "--help"),
    ],
)
def test_bad_input_is_one_sentence_on_standard_error_and_status_2(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
):
    status, out, err = call(*arguments, capsys=capsys)
    assert (status, out) == (2, "")
    assert err.startswith("chepai: error: ") and err.count("\n") == 1
    assert sentence in err


def test_debug_shows_where_an_error_arose(capsys: pytest.CaptureFixture[str]):
    status, _, err = call("--debug", "predict", "--model", "nowhere.onnx", "a.jpg", capsys=capsys)
    assert status == 2
    assert "Traceback" in err and err.rstrip().split("\n")[-1].startswith("chepai: error: ")


def _raise(error: BaseException):
    def dispatch(_: list[str]) -> int:
        raise error

    return dispatch


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (ModuleNotFoundError("x", name="keras.src"), 1, "pip install 'chepai[train]'"),
        (RuntimeError("odd"), 1, "unexpected RuntimeError: odd; --debug shows where"),
    ],
)
def test_other_ends_have_their_own_status(
    error: BaseException,
    status: int,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(run, "_dispatch", _raise(error))
    got = call("predict", capsys=capsys)
    assert got[0] == status and sentence in got[2]
    assert "Traceback" not in got[2]


def test_it_runs_from_its_folder_under_any_name_without_being_installed(tmp_path: Path):
    folder = tmp_path / "some other name"
    shutil.copytree(ROOT / "commands", folder / "commands")
    for name in ("run.py", "__init__.py", "errors.py", "configs.py", "files.py"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "commands" / "where.py").write_text(
        'from .. import __file__ as home\nHELP = "says where it runs"\n'
        "def add_arguments(parser): pass\n"
        "def run(args): print(home); return 0\n",
        encoding="utf-8",
    )
    result = subprocess.run(
        [sys.executable, str(folder / "run.py"), "--mode", "where"],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert Path(result.stdout.strip()) == folder / "__init__.py"
