"""Logs as JSON lines, written on a thread of their own: a full pipe must not stop the service."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import threading
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..files import RotatingLog

LOGGER = logging.getLogger("chepai.serving")
_NAMES = ("chepai.serving", "uvicorn.error")
_WAITING = 10_000  # lines; where the writer is that far behind, the oldest are dropped
_PAUSE = 0.2  # seconds between two looks at what waits
_LAST_WORDS = 5  # seconds for what waits at the end, should nobody take it


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


class _Later(logging.Handler):
    """Keeps records for a thread that writes them a few times a second.

    So a request costs no file access and wakes no other thread; a full pipe stops only that one.
    """

    def __init__(self, target: logging.Handler) -> None:
        super().__init__()
        self._target = target
        self._waiting: deque[logging.LogRecord] = deque(maxlen=_WAITING)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="chepai-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        self._waiting.append(record)

    def close(self) -> None:
        self._ending.set()
        self._thread.join(_LAST_WORDS)
        super().close()

    def _work(self) -> None:
        while not self._ending.wait(_PAUSE):
            self._write()
        self._write()

    def _write(self) -> None:
        while self._waiting:
            self._target.handle(self._waiting.popleft())


@contextlib.contextmanager
def json_logs(file: str | Path | None = None, requests: bool = True) -> Iterator[None]:
    """Sends the service's logs to standard error, or to a file that rotates at 10 MB.

    Args:
        file: some older ones are kept beside it.
        requests: whether each request is a line; otherwise only warnings and errors are.

    Raises:
        InputError: the file cannot be written.
    """
    target = _target(file)
    target.setFormatter(JsonLines())
    handler = _Later(target)
    for name in _NAMES:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    # It tells what strangers sent wrong, which our own line of the request tells too.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    LOGGER.setLevel(logging.INFO if requests else logging.WARNING)
    try:
        yield
    finally:
        for name in _NAMES:
            logging.getLogger(name).handlers.clear()
        handler.close()
        target.close()


def _target(file: str | Path | None) -> logging.Handler:
    if file is None:
        return logging.StreamHandler(sys.stderr)
    return RotatingLog(file)
