"""Fixtures that several rooms' tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real plates and glyph shapes beside the project; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the data folder beside the project (../shared/data) is absent")
    return SHARED_DATA
