"""YAML that strangers wrote, as plain values: what it would blow up to is told beforehand.

PyYAML's safe loader builds no objects, but a few lines of aliases become gigabytes when somebody
walks over them, deep nesting ends in a RecursionError, and wrong numbers in whatever Python raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from .errors import InputError, quoted

MOST_BYTES = 2**18
_MOST_VALUES = 100_000  # aliases written out
_MOST_DEPTH = 64


def read_yaml(file: Path, what: str) -> Any:
    """The values in a file; `what` it is stands in errors.

    Raises:
        InputError: it cannot be read, is no YAML, or too much of it; with the line.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise InputError(f"{what} {file} is longer than {MOST_BYTES} bytes")
        return parse_yaml(data.decode("utf-8-sig"), f"{what} {file}")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {what} {file}: {error}") from error


def parse_yaml(text: str, place: str) -> Any:
    """The values in a text; `place` is what it is called in errors.

    Raises:
        InputError: it is no YAML, or too much of it; with the line.
    """
    try:
        return _construct(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise InputError(f"cannot read {place}{line}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise InputError(f"cannot read {place}: {str(error).splitlines()[0]}") from error


def line_of(file: Path, keys: Sequence[str | int]) -> int | None:
    """The line, from 1, at which a value stands in a file that `read_yaml` has read.

    Of a value that is not there, the line of the innermost one around it; None where that is all.
    """
    node = _Loader(file.read_text(encoding="utf-8-sig")).get_single_node()
    line = None
    for key in keys:
        inner = _inner(node, key)
        if inner is None:
            break
        line, node = inner
    return line


def _inner(node: yaml.Node | None, key: str | int) -> tuple[int, yaml.Node] | None:
    """The line and the node of one entry."""
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(key):
                return name.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key].start_mark.line + 1, node.value[key]
    return None


class _Loader(yaml.SafeLoader):
    """As PyYAML's, and what it raises about a value says where that stands."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        # Of `!!int x`, the 99th of a month, a number of 5,000 digits, an unhashable key.
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            reason = f"{str(error).splitlines()[0] if str(error) else error!r}"
            raise yaml.constructor.ConstructorError(
                problem=f"not a value: {reason}", problem_mark=node.start_mark
            ) from error


def _construct(text: str) -> Any:
    _check_depth(text)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _check_amount(node)
        _check_keys(node)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MOST_DEPTH:
                raise _too_much(f"it is nested more than {_MOST_DEPTH} deep", event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_amount(node: yaml.Node) -> None:
    """Counts values as often as aliases repeat them, each node itself only once."""
    sizes: dict[int, int] = {}

    def size_of(node: yaml.Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = _MOST_VALUES + 1  # whoever meets it again while it is counted: a ring
            sizes[id(node)] = 1 + sum(map(size_of, _children(node)))
        return sizes[id(node)]

    if size_of(node) > _MOST_VALUES:
        raise _too_much(f"it holds more than {_MOST_VALUES} values", node.start_mark)


def _check_keys(node: yaml.Node) -> None:
    """PyYAML would keep the last of two values of one name; which one was meant, nobody knows."""
    seen: set[int] = set()

    def check(node: yaml.Node) -> None:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            _check_names([key for key, _ in node.value if isinstance(key, yaml.ScalarNode)])
        for child in _children(node):
            check(child)

    check(node)


def _check_names(keys: list[yaml.ScalarNode]) -> None:
    lines: dict[str, int] = {}
    for key in keys:
        if key.value in lines:
            problem = f"{quoted(key.value)} stands in line {lines[key.value]} already"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
        lines[key.value] = key.start_mark.line + 1


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _too_much(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)
