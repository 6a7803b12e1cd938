"""docs/security.md promises nothing that no test holds."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_test_and_file_that_the_page_names_is_there():
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    tests = set(re.findall(r"def (test_\w+)\(", sources))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 35 and not named - tests
    files = re.findall(r"`((?:tests|benchmarks|plate|docker|pretrained)/[\w./-]*)`", PAGE)
    assert files and not [name for name in files if not (ROOT / name).exists()]


def test_every_line_of_its_tables_names_what_holds_it():
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    rows = [line for line in lines if not line.startswith("| they could")]
    assert len(rows) > 25
    held = [row for row in rows if "`test" in row or "`tests/" in row or "the same |" in row]
    assert held == rows
