"""Coverage-guided fuzzing, by atheris, of the Python that strangers' bytes reach.

Decoders are not instrumented; `fuzz_images.py` tries those. Wants `pip install atheris`
(Linux, CPython 3.11 to 3.13). From the repository's root:
`python benchmarks/reliability/fuzz_python.py TARGET [FOLDER] [-max_total_time=60 …]`: FOLDER
keeps the inputs that found something new; it begins with those of `fuzz_seeds.py`. It ends with the
first input that raises anything but a refusal, and leaves it as a file `crash-…`.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# Our own, and the parsers in Python that they stand on.
INSTRUMENTED = ["chepai", "yaml", "python_multipart"]
TARGETS = ("header", "labels", "yaml", "card", "form", "rectangles", "list")


def main() -> None:
    """Fuzzes the target that the command line names."""
    name = sys.argv[1] if sys.argv[1:] else ""
    if name not in TARGETS:
        raise SystemExit(f"name a target: {', '.join(TARGETS)}")
    try:
        import atheris
    except ModuleNotFoundError as error:
        raise SystemExit("this needs atheris: pip install atheris") from error
    with atheris.instrument_imports(include=INSTRUMENTED):
        from fuzz_seeds import mutate_values, seeds

        target = globals()[f"_{name}"]()
    options: dict[str, Any] = {}
    if name in ("card", "yaml"):
        options["custom_mutator"] = partial(mutate_values, fuzzer=atheris)
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(seeds(name)):
            Path(folder, str(number)).write_bytes(data)
        # What is new goes into the first folder that is named.
        atheris.Setup([sys.argv[0], *sys.argv[2:], folder], target, **options)
        atheris.Fuzz()


def _header() -> Callable[[bytes], None]:
    from chepai.plate.picture_guard import MOST_PIXELS, refusal
    from chepai.plate.picture_header import picture_header

    def try_header(data: bytes) -> None:
        header = picture_header(data)
        if refusal(data) is None:
            assert header is not None and 0 < header.pixels <= MOST_PIXELS

    return try_header


def _labels() -> Callable[[bytes], None]:
    from chepai.dataset.file_util import read_records
    from chepai.errors import InputError
    from chepai.plate.schema import load_schema

    schema = load_schema("cn")
    file = Path(tempfile.mkdtemp()) / "labels.tsv"

    def try_labels(data: bytes) -> None:
        file.write_bytes(data)
        try:
            records = read_records(file, schema)
        except InputError as error:
            assert str(file) in str(error)
            return
        assert all(len(record.labels) == len(schema.heads) for record in records)

    return try_labels


def _yaml() -> Callable[[bytes], None]:
    from chepai.configs import parse_config
    from chepai.errors import InputError
    from chepai.plate.schema_file import parse_schema
    from chepai.yaml_text import parse_yaml

    def try_yaml(data: bytes) -> None:
        try:
            values = parse_yaml(data.decode("utf-8", "replace"), "it")
        except InputError:
            return
        for parse in (parse_config, parse_schema):
            try:
                parse(values)
            except InputError:
                continue

    return try_yaml


def _card() -> Callable[[bytes], None]:
    from chepai.errors import InputError
    from chepai.inference.model_card import ModelCard

    def try_card(data: bytes) -> None:
        try:
            card = ModelCard.from_json(data.decode("utf-8", "replace"), "it")
        except InputError:
            return
        assert card.schema.characters and card.output_sizes

    return try_card


def _form() -> Callable[[bytes], None]:
    from chepai.serving.errors import ServiceError
    from chepai.serving.form import Form
    from chepai.serving.settings import make_settings

    settings = make_settings()

    def try_form(data: bytes) -> None:
        try:
            form = Form("multipart/form-data; boundary=xx", settings)
            form.feed(b"--xx\r\n" + data)
            uploads = form.uploads()
        except ServiceError as error:
            assert 400 <= error.status < 500 and len(error.sentence) > 9
            return
        assert 0 < len(uploads) <= settings.max_images

    return try_form


def _rectangles() -> Callable[[bytes], None]:
    from chepai.serving.errors import ServiceError
    from chepai.serving.rectangles import parse_rectangles

    def try_rectangles(data: bytes) -> None:
        try:
            found = parse_rectangles(data.decode("utf-8", "replace"), 64)
        except ServiceError:
            return
        assert all(box.x1 < box.x2 and box.y1 < box.y2 for box in found)

    return try_rectangles


def _list() -> Callable[[bytes], None]:
    from chepai.errors import InputError
    from chepai.inference.inputs import _lines

    def try_list(data: bytes) -> None:
        try:
            assert all(isinstance(line, str) and line for line in _lines(io.BytesIO(data), "it"))
        except InputError:
            return

    return try_list


if __name__ == "__main__":
    main()
