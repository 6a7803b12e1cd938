"""The endpoints as OpenAPI tells them: forms, answers and examples."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

_RECT = (
    "Regions to read, in pixels of the upright picture: x1,y1,x2,y2 and four more for each further "
    "region; (x1, y1) is the upper left corner. None: the picture is one cropped plate. Given once "
    "it holds for every picture, else once for each."
)
_IMG = "A picture: JPEG, PNG, WebP, BMP, GIF or TIFF. Repeat the field for several."


class ReadingRow(BaseModel):
    """One region's plate, or why there is none."""

    file: str | None = Field(description="the picture's name as it was sent")
    text: str = Field(description="empty where nothing could be read")
    confidence: float = Field(
        ge=0, le=1, description="the smallest of the characters' and length's"
    )
    accepted: bool = Field(description="whether the confidence reaches the service's threshold")
    characters: list[tuple[str, float]] = Field(description="(character, confidence) in order")
    colour: str | None
    rows: int | None
    raw_valid: bool | None = Field(description="whether the likeliest characters made a plate")
    error: str | None = Field(description="why this region could not be read")
    rect: tuple[int, int, int, int] | None = Field(description="the region; none: all of it")


class ErrorBody(BaseModel):
    """Why a request was refused."""

    error: str = Field(description="one sentence: what was wrong and what to do")


READING_EXAMPLE: dict[str, Any] = {
    "file": "gate.jpg",
    "text": "京C2UP1J",
    "confidence": 0.998731,
    "accepted": True,
    "characters": [
        ["京", 0.999812], ["C", 0.999934], ["2", 0.999801], ["U", 0.998731],
        ["P", 0.999644], ["1", 0.999912], ["J", 0.999528],
    ],
    "colour": "blue",
    "rows": 1,
    "raw_valid": True,
    "error": None,
    "rect": None,
}  # fmt: skip
_DAMAGED = {
    "file": "night.jpg",
    "text": "",
    "confidence": 0.0,
    "accepted": False,
    "characters": [],
    "colour": None,
    "rows": None,
    "raw_valid": None,
    "error": "the file is cut off: its end is missing",
    "rect": None,
}
_ERRORS = {
    400: "the form is broken or cut off; it is no multipart/form-data",
    401: "an API key is wanted in the header X-API-Key or as Authorization: Bearer",
    408: "the upload took longer than 30 s",
    413: "the request is larger than 16,777,216 bytes",
    415: "not a picture that is understood; JPEG, PNG, WebP, BMP, GIF and TIFF are",
    422: "the form has no picture; send it as the field img",
    503: "the service is busy; try again in 2 s",
}


def reading_form(several: bool) -> dict[str, Any]:
    """`openapi_extra` of an endpoint that takes pictures, one or several."""
    picture = {"type": "string", "format": "binary", "description": _IMG}
    images = {"type": "array", "items": picture, "minItems": 1} if several else picture
    rect = {"type": "string", "description": _RECT, "example": "40,60,180,105"}
    rects = {"type": "array", "items": rect} if several else rect
    schema = {
        "type": "object",
        "required": ["img"],
        "properties": {"img": images, "rect": rects},
    }
    body = {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    return {"requestBody": body, "security": [{}, {"key": []}, {"bearer": []}]}


def reading_answers() -> dict[int | str, dict[str, Any]]:
    """`responses` of the endpoint that answers readings; `complete` adds their example."""
    text = "Readings in the order of pictures and regions"
    return {200: _answer(text, list[ReadingRow], None)} | error_answers(*_ERRORS)


def text_answers() -> dict[int | str, dict[str, Any]]:
    """`responses` of the older endpoint."""
    text = "Texts in the order of the regions; empty where one could not be read"
    return {200: _answer(text, list[str], ["京C2UP1J", "粤BD12345"])} | error_answers(*_ERRORS)


def error_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses` of these errors."""
    reasons = {
        400: "No form, or a broken one", 401: "No API key, or a wrong one",
        408: "The body came too slowly", 413: "Too many bytes, pixels, pictures or rectangles",
        415: "No form, or no picture", 422: "A field is missing or wrong; a damaged picture",
        503: "The queue is full; Retry-After says when to come back",
    }  # fmt: skip
    found: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        found[status] = _answer(reasons[status], ErrorBody, {"error": _ERRORS[status]})
    if 503 in found:
        header = {"description": "seconds", "schema": {"type": "integer"}}
        found[503]["headers"] = {"Retry-After": header}
    return found


def _answer(text: str, model: Any, example: Any) -> dict[str, Any]:
    content = {"application/json": {} if example is None else {"example": example}}
    return {"description": text, "model": model, "content": content}


def complete(described: dict[str, Any]) -> dict[str, Any]:
    """Adds what FastAPI leaves out: the ways to send a key, and examples that hold null."""
    described.setdefault("components", {})["securitySchemes"] = {
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }
    read = described["paths"]["/api/v1/read"]["post"]["responses"]["200"]
    read["content"]["application/json"]["example"] = [READING_EXAMPLE, _DAMAGED]
    return described
