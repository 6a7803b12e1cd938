"""Each small backbone, trained for some steps once for the tests of this room."""

from __future__ import annotations

import pytest
from chepai.backbone import registry
from small_networks import Trained, small_backbone, train


@pytest.fixture(scope="session", params=registry.names())
def trained(request: pytest.FixtureRequest) -> Trained:
    """Every registered backbone in turn, after some steps of training."""
    backbone = small_backbone(request.param)
    return Trained(request.param, backbone, train(backbone))
