"""Mode `average` as a user runs it: several files to one, which is read with."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from chepai.inference.runtimes.keras_model import load_keras_model
from chepai.run import main
from tiny_classifier import tiny_classifier


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    for name, seed in (("a", 1), ("b", 2)):
        tiny_classifier(seed).save(folder / f"{name}.keras")
    return folder


@pytest.fixture(autouse=True)
def in_folder(files: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(files)


def test_a_path_may_hold_the_sign_of_a_share():
    Path("batch_size=32").mkdir()
    shutil.copy("a.keras", "batch_size=32/c.keras")
    models = ["--model", "batch_size=32/c.keras", "--model", "batch_size=32/c.keras=2"]
    assert main(["average", *models, "--output", "same.keras"]) == 0
    same, one = (load_keras_model(Path(name)) for name in ("same.keras", "a.keras"))
    for found, wanted in zip(same.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_the_file_holds_the_mean_by_shares(capsys):
    given = ["average", "--model", "a.keras", "--model", "b.keras=3", "--output", "new/m.keras"]
    assert main(given) == 0
    assert "m.keras: the weights of 2 models" in capsys.readouterr().out
    mixed, a, b = (load_keras_model(Path(name)) for name in ("new/m.keras", "a.keras", "b.keras"))
    for found, one, other in zip(
        mixed.get_weights(), a.get_weights(), b.get_weights(), strict=True
    ):
        np.testing.assert_allclose(found, 0.25 * one + 0.75 * other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--model", "a.keras", "--output", "m.keras"], "give --model twice or more"),
        (["--model", "a.keras", "--model", "b.keras", "--output", "m.onnx"], "ends in .keras"),
        (["--model", "a.keras=0", "--model", "b.keras", "--output", "m.keras"], "a number above 0"),
        (["--model", "a.keras", "--model", "c.keras", "--output", "m.keras"], "c.keras"),
    ],
)
def test_what_cannot_be_averaged_is_told_in_a_sentence(given: list[str], told: str, capsys):
    assert main(["average", *given]) == 2
    assert told in capsys.readouterr().err
    assert not Path("m.keras").exists()
