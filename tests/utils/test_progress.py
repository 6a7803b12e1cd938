"""What a log is told of long work."""

from __future__ import annotations

import io

import pytest
from chepai.utils import progress as module
from chepai.utils.progress import progress


@pytest.mark.parametrize(
    ("total", "line"),
    [(2000, "500 of 2000 plates, 50/s, 0:00:30 left"), (None, "500 plates, 50/s")],
)
def test_a_line_says_how_far_how_fast_and_how_long_yet(total, line, monkeypatch):
    clock = iter([0.0] + [0.0] * 499 + [10.0] + [10.0] * 100)
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    log = io.StringIO()
    assert list(progress(range(600), total, "plates", log)) == list(range(600))
    assert log.getvalue().splitlines() == [line]
