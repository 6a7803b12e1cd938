"""multipart/form-data as it streams in: the parts of a form, within limits, in memory only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from .errors import ServiceError
from .pictures import Upload
from .rectangles import parse_rectangles
from .settings import ServiceSettings

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MOST_HEADERS = 8  # header lines of one part; the parser bounds their length
_MOST_FIELD = 64 * 1024  # bytes of a `rect` field; far more than `max_rects` numbers take
_OTHER_PARTS = 16  # fields that nobody asked for are passed over, but not without end


class Form:
    """Takes the body of a form in pieces; afterwards `uploads` are its pictures.

    Raises (from every method):
        ServiceError: 400 where it is no form or broken, 413 and 422 where it holds too much or
            not what is wanted.
    """

    def __init__(self, content_type: str, settings: ServiceSettings) -> None:
        self._settings = settings
        self._pictures: list[tuple[str | None, bytes]] = []
        self._rects: list[str] = []
        self._data: list[bytes] = []
        self._size = 0
        self._field = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name: str | None = None
        self._file_name: str | None = None
        self._parts = 0
        self._ended = False
        self._parser = MultipartParser(
            _boundary(content_type), self._callbacks(), max_header_count=_MOST_HEADERS
        )

    def feed(self, data: bytes) -> None:
        """Takes the next piece of the body."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _broken() from error

    def uploads(self) -> list[Upload]:
        """The pictures with their rectangles, after the last piece."""
        if not self._ended:
            raise _broken()
        if not self._pictures:
            raise ServiceError(422, "the form has no picture; send it as the field img", "no_img")
        rects = self._rects or [""]
        if len(rects) == 1:
            rects *= len(self._pictures)
        if len(rects) != len(self._pictures):
            raise ServiceError(
                422,
                f"{len(self._pictures)} pictures have {len(rects)} rect fields; give none, one "
                "for all, or one for each",
                "rect",
            )
        regions = {text: parse_rectangles(text, self._settings.max_rects) for text in set(rects)}
        return [
            Upload(name, data, regions[text])
            for (name, data), text in zip(self._pictures, rects, strict=True)
        ]

    def _callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._add_field,
            "on_header_value": self._add_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > 2 * self._settings.max_images + _OTHER_PARTS:
            raise ServiceError(413, "the form has too many parts", "form")
        self._headers = {}
        self._data = []
        self._size = 0

    def _add_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field = self._value = b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        file_name = options.get(b"filename")
        self._name = name
        self._file_name = None if file_name is None else file_name.decode("utf-8", "replace")
        self._size = 0
        most = self._settings.max_images
        if name == "img" and len(self._pictures) >= most:
            raise ServiceError(413, f"more than {most} pictures in one request", "images")
        if name == "rect" and len(self._rects) >= most:
            raise ServiceError(413, f"more than {most} rect fields in one request", "rects")

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._name == "rect" and self._size > _MOST_FIELD:
            raise ServiceError(413, f"the field rect is longer than {_MOST_FIELD} bytes", "rects")
        if self._name in ("img", "rect"):
            self._data.append(data[start:end])

    def _end_part(self) -> None:
        whole = b"".join(self._data)
        self._data = []
        if self._name == "img":
            self._pictures.append((self._file_name, whole))
        elif self._name == "rect":
            self._rects.append(whole.decode("utf-8", "replace"))

    def _end(self) -> None:
        self._ended = True


def _boundary(content_type: str) -> bytes:
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data":
        sent = content_type.partition(";")[0][:80] or "nothing"
        raise ServiceError(
            415, f"multipart/form-data with the field img is wanted, not {sent}", "content_type"
        )
    if not 0 < len(boundary) <= 200:
        raise ServiceError(400, "the form names no boundary of 1 to 200 bytes", "form")
    return boundary


def _broken() -> ServiceError:
    return ServiceError(400, "the form is broken or cut off; it is no multipart/form-data", "form")
