"""Each small backbone, trained for some steps once for the tests of this room."""

from __future__ import annotations

import pytest
from small_networks import NETWORKS, Trained, small_backbone, train


@pytest.fixture(scope="session", params=NETWORKS)
def trained(request: pytest.FixtureRequest) -> Trained:
    """Every registered backbone and variant in turn, after some steps of training."""
    backbone = small_backbone(request.param)
    return Trained(request.param, backbone, train(backbone))
