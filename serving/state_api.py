"""The endpoints that tell: health, metrics, and what the page wants to know."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from .. import __version__
from ..inference.files import sample_pictures
from .answers import JsonAnswer, error_body, json_body
from .described import error_answers
from .desk import Desk
from .door import Door
from .metrics import Metrics
from .settings import ServiceSettings

_LIMITS = ("max_bytes", "max_pixels", "max_images", "max_rects")


def state_router(
    desk: Desk, metrics: Metrics, door: Door, settings: ServiceSettings, about: dict[str, Any]
) -> APIRouter:
    """The endpoints of GET; `about` joins what `/api/v1/info` says."""
    router = APIRouter(tags=["state"])
    info = about | {
        "version": __version__,
        "key_wanted": door.locked,
        "limits": {name: getattr(settings, name) for name in _LIMITS},
        "samples": [file.name for file in sample_pictures()],
    }
    body = json_body(info)

    @router.get("/healthz", summary="Whether it reads", response_class=JsonAnswer,
                responses={503: {"description": "It does not; start it again"}})  # fmt: skip
    async def health() -> JsonAnswer:
        if not desk.is_reading:
            return JsonAnswer(error_body("a reading thread has ended"), 503)
        return JsonAnswer(json_body({"status": "ok", "waiting": desk.waiting}))

    @router.get("/metrics", summary="Figures for Prometheus", response_class=Response,
                responses=error_answers(401))  # fmt: skip
    async def figures(request: Request) -> Response:
        door.check(request)
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/api/v1/info", summary="Model, threshold and limits", response_class=JsonAnswer)
    async def inform() -> JsonAnswer:
        return JsonAnswer(body)

    return router
