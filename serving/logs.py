"""Logs as JSON lines, written on a thread of their own: a full pipe must not stop the service."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import queue
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..errors import InputError

LOGGER = logging.getLogger("chepai.serving")
_NAMES = ("chepai.serving", "uvicorn.error")
_WAITING = 10_000  # lines; where the writer is that far behind, new ones are dropped
_FILE_BYTES, _FILES = 10_000_000, 5


class JsonLines(logging.Formatter):
    """`{"time", "level", "event", …}`: the fields of a record's `fields` follow."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        values = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
        values |= getattr(record, "fields", {})
        if record.exc_info:
            values["trace"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=False)


class _Queueing(logging.handlers.QueueHandler):
    """Hands records over as they are; formatting is the writer's."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(queue.Full):
            self.queue.put_nowait(record)


@contextlib.contextmanager
def json_logs(file: str | Path | None = None, requests: bool = True) -> Iterator[None]:
    """Sends the service's logs to standard error, or to a file that rotates at 10 MB.

    Args:
        file: five older ones are kept beside it.
        requests: whether each request is a line; otherwise only warnings and errors are.

    Raises:
        InputError: the file cannot be written.
    """
    target = _target(file)
    target.setFormatter(JsonLines())
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(_WAITING)
    listener = logging.handlers.QueueListener(waiting, target)
    handler = _Queueing(waiting)
    for name in _NAMES:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    # It tells what strangers sent wrong, which our own line of the request tells too.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    LOGGER.setLevel(logging.INFO if requests else logging.WARNING)
    listener.start()
    try:
        yield
    finally:
        listener.stop()
        for name in _NAMES:
            logging.getLogger(name).handlers.clear()
        target.close()


def _target(file: str | Path | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler(sys.stderr)
    try:
        return logging.handlers.RotatingFileHandler(
            file, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8"
        )
    except OSError as error:
        raise InputError(f"cannot write the log {file}: {error.strerror}") from error
