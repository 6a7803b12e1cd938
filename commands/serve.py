"""Mode `serve`: the HTTP service and its page."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ._numbers import at_least_one, positive
from ._reading_options import (
    add_reading_options,
    describe_reading,
    reader_options,
    resolve_min_confidence,
)

if TYPE_CHECKING:
    from ..inference.reader import Reader
    from ..serving.settings import ServiceSettings

HELP = "serve a model over HTTP, with a page to try it"
KEY_VARIABLE = "CHEPAI_API_KEY"
_MEGABYTE = 2**20
_LAST_PORT = 2**16 - 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this mode."""
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 listens to other machines")
    parser.add_argument("--port", type=_port, default=8000, help="0 takes any free one")
    add_reading_options(parser)
    _add_batching(parser.add_argument_group("batching"))
    _add_limits(parser.add_argument_group("limits"))
    access = parser.add_argument_group("access and logs")
    access.add_argument(
        "--api-key-file",
        metavar="FILE",
        help=f"keys, one a line, of which callers must send one; or in the variable {KEY_VARIABLE}",
    )
    access.add_argument(
        "--cors-origin",
        type=_origin,
        action="append",
        metavar="ORIGIN",
        help="a page's origin, such as https://example.org, that may ask; repeatable",
    )
    access.add_argument(
        "--log-file", metavar="FILE", help="rotates at 10 MB, five are kept; none: standard error"
    )
    access.add_argument("--quiet", action="store_true", help="log warnings and errors only")


def _add_batching(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--batch", type=at_least_one, default=32, metavar="N", help="plates read together at most"
    )
    group.add_argument(
        "--window-ms", type=float, default=5.0, metavar="MS",
        help="how long a plate waits for others that are on their way",
    )  # fmt: skip
    group.add_argument(
        "--queue",
        type=at_least_one,
        default=256,
        metavar="N",
        help="plates that may wait; then 503",
    )
    group.add_argument(
        "--decoders", type=at_least_one, metavar="N", help="threads that decode pictures"
    )


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--max-mb", type=positive, default=16.0, metavar="MB", help="of one request")
    group.add_argument(
        "--max-buffered-mb", type=positive, default=256.0, metavar="MB", help="of all requests"
    )
    group.add_argument(
        "--max-megapixels", type=positive, default=25.0, metavar="X", help="of one picture"
    )
    group.add_argument(
        "--max-images", type=at_least_one, default=32, metavar="N", help="pictures in a request"
    )
    group.add_argument(
        "--max-rects", type=at_least_one, default=64, metavar="N", help="rectangles of a picture"
    )
    group.add_argument(
        "--max-connections", type=at_least_one, default=1000, metavar="N", help="open at once"
    )
    group.add_argument(
        "--upload-timeout", type=positive, default=30.0, metavar="S", help="for a request's body"
    )
    group.add_argument(
        "--header-timeout", type=positive, default=10.0, metavar="S", help="for its first lines"
    )


def run(args: argparse.Namespace) -> int:
    """Serves until it is told to end."""
    from ..serving.app import create_app
    from ..serving.logs import LOGGER, json_logs
    from ..serving.server import listen, serve, url_of

    settings = _settings(args)
    reader = _open_reader(args)
    valid_only = not args.any_text
    minimum = resolve_min_confidence(args.min_confidence, reader, valid_only)
    model = describe_reading(args, Path(args.model).name, reader.second_look)
    app = create_app(reader, settings, minimum, valid_only, model)
    with json_logs(args.log_file, not args.quiet), listen(args.host, args.port) as listener:
        url = url_of(listener)
        fields = {"url": url, "model": model, "min_confidence": minimum, "queue": settings.queue}

        def ready() -> None:
            print(f"chepai reads plates at {url}", flush=True)
            LOGGER.info("ready", extra={"fields": fields})

        serve(app, listener, settings, ready)
        LOGGER.info("ended", extra={"fields": {}})
    return 0


def _open_reader(args: argparse.Namespace) -> Reader:
    """A reader that has run once: the first one allocates, and finds a model that cannot run."""
    import numpy as np

    from ..inference.reader import Reader

    # Each reading thread runs the model by itself; where it cannot, the one thread has them all.
    options = reader_options(args)
    reader = Reader(args.model, args.runtime, 1, **options)
    if not reader.parallel:
        reader = Reader(args.model, args.runtime, args.threads, **options)
    reader.read_pixels(np.zeros((1, *reader.input_size, 3), np.uint8))
    return reader


def _settings(args: argparse.Namespace) -> ServiceSettings:
    from ..inference.pipeline import processors
    from ..serving.settings import make_settings

    return make_settings(
        batch=args.batch,
        window=args.window_ms / 1000,
        queue=args.queue,
        readers=args.threads or processors(),
        decoders=args.decoders or min(4, processors()),
        max_bytes=int(args.max_mb * _MEGABYTE),
        max_buffered=int(args.max_buffered_mb * _MEGABYTE),
        max_pixels=int(args.max_megapixels * 1e6),
        max_images=args.max_images,
        max_rects=args.max_rects,
        max_connections=args.max_connections,
        upload_timeout=args.upload_timeout,
        header_timeout=args.header_timeout,
        api_keys=_keys(args.api_key_file),
        cors_origins=tuple(args.cors_origin or ()),
    )


def _keys(file: str | None) -> tuple[str, ...]:
    """The keys of the file, one a line, or of the environment. Never of the command line, which
    everybody on the machine can read."""
    from ..errors import InputError

    if file is None:
        key = os.environ.get(KEY_VARIABLE, "").strip()
        return (key,) if key else ()
    try:
        lines = Path(file).read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the keys of {file}: {error}") from error
    keys = tuple(line.strip() for line in lines if line.strip())
    if not keys:
        raise InputError(f"{file} holds no key; write one a line, or leave --api-key-file out")
    return keys


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"a number from 0 to {_LAST_PORT}, not {text!r}")
    return int(text)


def _origin(text: str) -> str:
    if not re.fullmatch(r"https?://[^/\s]+", text):
        raise argparse.ArgumentTypeError(f"an origin such as https://example.org, not {text!r}")
    return text
