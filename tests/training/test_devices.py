"""Two devices train like one: the same losses and weights with the same batches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from chepai.errors import InputError
from chepai.training.devices import data_parallel

VARIANTS = ("adamw", "radam", "clipped")
SCRIPT = Path(__file__).parent / "two_devices.py"


@pytest.fixture(scope="module")
def all_results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict]]:
    """What one and what two devices made of the same trainings."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("logical processors are TensorFlow's")
    folder = tmp_path_factory.mktemp("devices")
    # A process of its own: TensorFlow takes its devices once, when it starts.
    subprocess.run([sys.executable, str(SCRIPT), str(folder)], check=True, timeout=900)
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))


@pytest.fixture
def results(all_results: dict[str, list[dict]]) -> list[dict]:
    return all_results["adamw"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses_accuracies_and_weights_are_those_of_one_device(
    all_results: dict[str, list[dict]], variant: str
) -> None:
    one, two = all_results[variant]
    np.testing.assert_allclose(two["loss"], one["loss"], rtol=1e-5)
    np.testing.assert_allclose(two["accuracy"], one["accuracy"], atol=1e-6)
    for mine, theirs in zip(two["weights"], one["weights"], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4)


def test_both_count_the_whole_batch_for_the_loss(results: list[dict]) -> None:
    one, two = (result["memories"] for result in results)
    assert len(one) == 4
    # The rows of two epochs.
    assert one[1] == two[1] == 44
    for mine, theirs in zip(two, one, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)


def test_files_for_reading_do_not_ask_for_several_devices(results: list[dict]) -> None:
    assert not results[1]["synchronized"]


def test_more_devices_than_there_are_are_refused() -> None:
    found = len(keras.distribution.list_devices())
    with pytest.raises(InputError, match=rf"--devices {found + 1}: .* give {found} or fewer"):
        data_parallel(found + 1)
