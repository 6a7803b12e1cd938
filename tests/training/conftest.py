"""A tiny configuration and a source of made-up plates, so that runs take seconds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from chepai.configs import Config, load_config
from noise_plates import TINY, NoisePlates


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    return load_config("resnet18", overrides=TINY)


@pytest.fixture(scope="session")
def make_plates(tiny_config: Config) -> Callable[[], NoisePlates]:
    return lambda: NoisePlates(tiny_config)
