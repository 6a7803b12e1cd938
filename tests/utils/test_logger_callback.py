"""The log has a line every N batches and one an epoch."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import numpy as np
from chepai.utils.logger_callback import NBatchLogger


def test_a_line_every_two_batches_and_one_an_epoch(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False)
    log = tmp_path / "train.log"
    logger = NBatchLogger(log, every=2, plates_per_batch=4)
    model.fit(np.ones((20, 2)), np.ones((20, 1)), 4, epochs=2, verbose=0, callbacks=[logger])
    lines = log.read_text(encoding="utf-8").splitlines()
    kinds = [
        re.sub(r": loss [\d.e-]+(, \d+ plates/s)?$", "", line.split(" INFO ")[1]) for line in lines
    ]
    assert kinds == [
        "training begins with 3 parameters, in float32",
        "epoch 1 batch 2", "epoch 1 batch 4", "epoch 1 ends",
        "epoch 2 batch 2", "epoch 2 batch 4", "epoch 2 ends",
        "training ends",
    ]  # fmt: skip


def test_the_log_says_in_what_is_computed(tmp_path: Path) -> None:
    half = keras.layers.Dense(4, dtype="mixed_bfloat16")
    model = keras.Sequential([keras.Input((2,)), half, keras.layers.Dense(1, dtype="float32")])
    logger = NBatchLogger(tmp_path / "train.log", every=1, plates_per_batch=1)
    logger.set_model(model)
    logger.on_train_begin()
    logger.close()
    line = (tmp_path / "train.log").read_text(encoding="utf-8")
    assert line.endswith("training begins with 17 parameters, in bfloat16 and float32\n")


def test_a_closed_log_is_not_written_again(tmp_path: Path) -> None:
    logger = NBatchLogger(tmp_path / "train.log", every=1, plates_per_batch=1)
    logger.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    logger.on_train_begin()
    logger.close()
    before = (tmp_path / "train.log").read_text(encoding="utf-8")
    logger.on_epoch_end(0, {"loss": 1.0})
    assert (tmp_path / "train.log").read_text(encoding="utf-8") == before
