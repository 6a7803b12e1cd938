"""A page to look suspicious labels through: one HTML file with its pictures inside."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from .html_picture import html_picture


@dataclass(frozen=True)
class SheetPlate:
    """One row: the picture, what its label says, what was read, and how sure each character is."""

    file: str
    label: str
    suggestion: str
    score: float
    head: str
    characters: Sequence[tuple[str, float]]


def audit_sheet(plates: Sequence[SheetPlate], total: int, suspicious: int) -> str:
    """The page, in UTF-8, which needs nothing besides itself.

    A tick before each row says that the label is wrong; a button saves the ticked rows as the
    table that `audit --reviewed` takes.

    Args:
        plates: the rows, the most suspicious first.
        total: how many labels were judged.
        suspicious: how many of them are; may be more than `plates`.
    """
    more = "" if suspicious == len(plates) else f" The first {len(plates)} are shown."
    summary = f"{suspicious} of {total} labels are suspicious.{more}"
    rows = "\n".join(_row(rank, plate) for rank, plate in enumerate(plates, start=1))
    return _PAGE.replace("SUMMARY", summary).replace("ROWS", rows)


def _row(rank: int, plate: SheetPlate) -> str:
    label, suggestion = _marked(plate.label, plate.suggestion)
    sure = " ".join(f"{char}&#8239;{value:.2f}" for char, value in _escaped(plate.characters))
    data = "".join(
        f' data-{name}="{html.escape(value)}"'
        for name, value in (
            ("file", plate.file),
            ("label", plate.label),
            ("suggestion", plate.suggestion),
            ("score", f"{plate.score:.4g}"),
            ("head", plate.head),
        )
    )
    cells = [
        f'<input type="checkbox" checked aria-label="row {rank} is wrong">',
        str(rank),
        html_picture(plate.file),
        f'<b class="plate">{label or "<i>none</i>"}</b>',
        f'<b class="plate">{suggestion or "<i>no whole plate</i>"}</b><br><small>{sure}</small>',
        f"{html.escape(plate.head)}<br>{plate.score:.2g}",
        f"<small>{html.escape(plate.file)}</small>",
    ]
    return f"<tr{data}>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _escaped(characters: Iterable[tuple[str, float]]) -> Iterable[tuple[str, float]]:
    return ((html.escape(char), value) for char, value in characters)


def _marked(label: str, suggestion: str) -> tuple[str, str]:
    """Both texts as HTML, what differs marked.

    >>> _marked("京A12345", "京B12345")
    ('京<mark>A</mark>12345', '京<mark>B</mark>12345')
    """
    ours: list[str] = []
    theirs: list[str] = []
    for what, i, j, k, m in SequenceMatcher(None, label, suggestion, autojunk=False).get_opcodes():
        for text, parts in ((label[i:j], ours), (suggestion[k:m], theirs)):
            kept = html.escape(text)
            parts.append(kept if what == "equal" or not text else f"<mark>{kept}</mark>")
    return "".join(ours), "".join(theirs)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Suspicious labels</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem; }
header { position: sticky; top: 0; background: #fff; padding: .5rem 0; }
table { border-collapse: collapse; }
th, td { padding: .35rem .6rem; text-align: left; border-bottom: 1px solid #ddd; }
.plate { font-size: 1.3rem; letter-spacing: .05em; white-space: nowrap; }
mark { background: #ffd24d; }
small { color: #555; overflow-wrap: anywhere; }
tr.right { opacity: .45; }
</style>
</head>
<body>
<header>
<b>SUMMARY</b> Ticked: the label is wrong. <button id="save">Save the ticked rows</button>
as reviewed.tsv, then <code>chepai audit --data YOURS --reviewed reviewed.tsv --fix-to CLEAN</code>
leaves them out.
</header>
<table>
<thead><tr><th>wrong</th><th></th><th>picture</th><th>label</th><th>reading</th>
<th>doubt</th><th>file</th></tr></thead>
<tbody>
ROWS
</tbody>
</table>
<script>
const rows = [...document.querySelectorAll("tbody tr")];
rows.forEach(row => row.querySelector("input").addEventListener("change", event =>
  row.classList.toggle("right", !event.target.checked)));
document.getElementById("save").addEventListener("click", () => {
  const columns = ["file", "label", "suggestion", "score", "head"];
  const ticked = rows.filter(row => row.querySelector("input").checked);
  const lines = [columns, ...ticked.map(row => columns.map(name => row.dataset[name]))];
  const text = lines.map(line => line.join("\\t") + "\\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "text/tab-separated-values"}));
  link.download = "reviewed.tsv";
  link.click();
});
</script>
</body>
</html>
"""
