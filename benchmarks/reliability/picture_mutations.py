"""Whole pictures changed at random where their formats have joints: so decoders get deep in."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from picture_parts import join, split
from picture_seeds import seeds

# Numbers at which sizes, counts and offsets go over or under.
_EDGES = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
_MOST_CHANGES = 4
Rng = np.random.Generator


def mutated(number: int, seed: int = 0) -> tuple[str, bytes]:
    """The name and the bytes of the mutated file `number`: always the same ones."""
    rng = np.random.default_rng([seed, number])
    names = sorted(seeds())
    name = names[rng.integers(len(names))]
    parts = split(seeds()[name])
    for _ in range(rng.integers(1, _MOST_CHANGES + 1)):
        change = _CHANGES[rng.integers(len(_CHANGES))]
        parts = change(parts, rng) or [b""]
    data = join(parts)
    return name, data if rng.random() < 0.95 else data[: rng.integers(len(data) + 1)]


def _flip(parts: list[bytes], rng: Rng) -> list[bytes]:
    """Some bits of a part."""
    return _in_one(parts, rng, _flipped)


def _flipped(part: bytearray, rng: Rng) -> None:
    for place in rng.integers(len(part), size=rng.integers(1, 9)):
        part[place] ^= 1 << rng.integers(8)


def _edge(parts: list[bytes], rng: Rng) -> list[bytes]:
    """A number of one, two or four bytes becomes one of the edges."""
    return _in_one(parts, rng, _edged)


def _edged(part: bytearray, rng: Rng) -> None:
    size = min(len(part), int(rng.choice([1, 2, 4])))
    # Headers hold the numbers; and they stand at the beginning of a part.
    place = int(rng.integers(min(32, len(part) - size + 1)))
    value = int(rng.choice(_EDGES)) & (256**size - 1)
    part[place : place + size] = value.to_bytes(size, "big" if rng.random() < 0.5 else "little")


def _in_one(parts: list[bytes], rng: Rng, change: Callable[[bytearray, Rng], None]) -> list[bytes]:
    place = int(rng.integers(len(parts)))
    part = bytearray(parts[place])
    if part:
        change(part, rng)
    return [*parts[:place], bytes(part), *parts[place + 1 :]]


def _drop(parts: list[bytes], rng: Rng) -> list[bytes]:
    place = int(rng.integers(len(parts)))
    return parts[:place] + parts[place + 1 :]


def _repeat(parts: list[bytes], rng: Rng) -> list[bytes]:
    place = int(rng.integers(len(parts)))
    times = int(rng.choice([1, 1, 1, 40]))
    return parts[:place] + parts[place : place + 1] * times + parts[place:]


def _exchange(parts: list[bytes], rng: Rng) -> list[bytes]:
    one, other = rng.integers(len(parts), size=2)
    parts = list(parts)
    parts[one], parts[other] = parts[other], parts[one]
    return parts


def _shorten(parts: list[bytes], rng: Rng) -> list[bytes]:
    """A part loses its end; its length still says otherwise."""
    place = int(rng.integers(len(parts)))
    kept = parts[place][: rng.integers(len(parts[place]) + 1)]
    return [*parts[:place], kept, *parts[place + 1 :]]


def _stuff(parts: list[bytes], rng: Rng) -> list[bytes]:
    """Bytes that nobody expects between two parts."""
    place = int(rng.integers(len(parts) + 1))
    return [*parts[:place], rng.bytes(int(rng.choice([1, 2, 13, 300]))), *parts[place:]]


def _graft(parts: list[bytes], rng: Rng) -> list[bytes]:
    """A part of another file, of whatever format."""
    names = sorted(seeds())
    others = split(seeds()[names[rng.integers(len(names))]])
    place = int(rng.integers(len(parts) + 1))
    return [*parts[:place], others[rng.integers(len(others))], *parts[place:]]


_CHANGES = (_flip, _flip, _edge, _edge, _edge, _drop, _repeat, _exchange, _shorten, _stuff, _graft)
