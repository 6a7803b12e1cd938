"""The application: a model behind its endpoints."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from .. import __version__
from ..inference.reader import Reader
from ..inference.reading import DEFAULT_MIN_CONFIDENCE
from .answers import JsonAnswer, error_body
from .described import complete
from .desk import Desk
from .door import Door
from .errors import ServiceError
from .guard import Guard
from .metrics import Metrics
from .pages import page_routes
from .reading_api import reading_router
from .settings import ServiceSettings
from .state_api import state_router
from .uploads import Buffer


def create_app(
    reader: Reader,
    settings: ServiceSettings,
    min_confidence: float = DEFAULT_MIN_CONFIDENCE,
    constrain: bool = True,
    model: str = "default",
) -> ASGIApp:
    """The whole service as an ASGI application.

    Args:
        reader: the model that reads; the application calls it on a thread of its own.
        settings: limits, batching and keys.
        min_confidence: what a reading must reach to be accepted, 0 to 1.
        constrain: whether only valid plates are read.
        model: its name, as the page shows it.
    """
    metrics = Metrics()
    desk = Desk(reader, min_confidence, constrain, settings, metrics)
    buffer = Buffer(settings.max_buffered)
    door = Door(settings.api_keys)
    metrics.watch("chepai_waiting_plates", "Handed in and not read yet", lambda: desk.waiting)
    metrics.watch("chepai_buffered_bytes", "Of pictures in memory", lambda: buffer.held)

    app = _bare_app(desk)
    app.include_router(reading_router(desk, buffer, door, settings))
    about = {"model": model, "min_confidence": min_confidence}
    app.include_router(state_router(desk, metrics, door, settings, about))
    app.router.routes.extend(page_routes())
    _complete_description(app)
    _answer_errors_as_json(app)
    if settings.cors_origins:
        _let_pages_of_others_ask(app, settings.cors_origins)
    return Guard(app, metrics, frozenset(app.openapi()["paths"]) | {"/", "/docs"})


def _bare_app(desk: Desk) -> FastAPI:
    """No endpoint yet; the desk is open while it runs."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        desk.open()
        yield
        desk.close()

    return FastAPI(
        title="chepai",
        version=__version__,
        description="Reads licence plates: cropped plates, or regions of whole photographs.",
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=lifespan,
    )


def _let_pages_of_others_ask(app: FastAPI, origins: Iterable[str]) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "X-API-Key"],
    )


def _complete_description(app: FastAPI) -> None:
    plain = app.openapi
    app.openapi = lambda: complete(plain())  # type: ignore[method-assign]


def _answer_errors_as_json(app: FastAPI) -> None:
    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, ServiceError)
        request.scope["note"].reason = error.reason
        return JsonAnswer(error_body(error.sentence), error.status, error.headers)

    async def no_such_place(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        sentence = f"{error.detail}; see /docs".lower() if error.status_code < 500 else error.detail
        return JsonAnswer(error_body(sentence), error.status_code, error.headers)

    async def fail(_: Request, __: Exception) -> Response:
        sentence = "the service failed at this request; its log says why"
        return JsonAnswer(error_body(sentence), 500)

    app.add_exception_handler(ServiceError, refuse)
    app.add_exception_handler(HTTPException, no_such_place)
    app.add_exception_handler(Exception, fail)
