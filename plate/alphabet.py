"""The characters of a schema as one alphabet: what recognisers of sequences choose from."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from .schema import LabelSchema

Family = Literal["multi_label", "ctc", "attention"]
TEXT = "text"
"""The output of family `ctc`: softmaxes of columns, of which class 0 is blank."""
BLANK = 0


@lru_cache(maxsize=16)
def alphabet_of(schema: LabelSchema) -> tuple[str, ...]:
    """Every character of the schema's heads once, in their order; class i + 1 is the i-th."""
    names = (name for head in schema.characters for name in head.classes)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def output_sizes(schema: LabelSchema, family: str) -> dict[str, int]:
    """The outputs of a recogniser by name, and how many classes each has.

    Those of family `ctc` are the text and the heads beside it; of others the schema's heads.
    """
    heads = {head.name: head.width for head in schema.heads}
    if family != "ctc":
        return heads
    beside = {head.name: head.width for head in schema.heads if head.role in ("colour", "rows")}
    return {TEXT: len(alphabet_of(schema)) + 1} | beside
