"""What the service allows and how it batches: validated, frozen."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import InputError

MEGABYTE = 2**20


class ServiceSettings(BaseModel):
    """Limits, batching, keys; every one has its option in `commands/serve.py`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(32, ge=1, le=1024, description="plates in one run of the model, at most")
    window: float = Field(
        0.005, ge=0, le=1, description="how long a plate waits for others that are on their way, s"
    )
    queue: int = Field(256, ge=1, description="plates that may wait; beyond it callers get a 503")
    readers: int = Field(1, ge=1, le=256, description="threads that run the model")
    decoders: int = Field(2, ge=1, le=64, description="threads that decode pictures")
    max_bytes: int = Field(16 * MEGABYTE, ge=1024, description="of one request, all its parts")
    max_buffered: int = Field(
        256 * MEGABYTE, ge=1024, description="of all requests together, bytes in memory at once"
    )
    max_pixels: int = Field(
        25_000_000, ge=1, description="of a picture, and of all that are decoded at once"
    )
    max_images: int = Field(32, ge=1, description="pictures in one request")
    max_rects: int = Field(64, ge=1, description="rectangles of one picture")
    max_connections: int = Field(1000, ge=1, description="open connections")
    header_timeout: float = Field(10, gt=0, description="for a request's first lines, s")
    upload_timeout: float = Field(30, gt=0, description="for a request's body, s")
    grace: float = Field(60, gt=0, description="for answering what was accepted at the end, s")
    api_keys: tuple[str, ...] = Field((), repr=False, description="any of them opens the door")
    cors_origins: tuple[str, ...] = Field((), description="pages of other origins that may ask")


def make_settings(**values: Any) -> ServiceSettings:
    """The settings of these values; what is None keeps its default.

    Raises:
        InputError: a value out of its range, named.
    """
    given = {name: value for name, value in values.items() if value is not None}
    try:
        settings = ServiceSettings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{key}: {first['msg']}; received {first['input']!r}") from error
    if settings.queue < settings.batch:
        raise InputError(f"a queue of {settings.queue} cannot fill a batch of {settings.batch}")
    if settings.max_buffered < settings.max_bytes:
        raise InputError("max_buffered must hold one request of max_bytes at least")
    return settings
