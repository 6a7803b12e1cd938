"""The page for people, the documentation of the endpoints, and sample plates to try."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ..inference.files import SAMPLES

PAGE = Path(__file__).with_name("page")


def page_routes() -> list[BaseRoute]:
    """Routes of files; nothing in them asks another host for anything."""
    return [
        Route("/", _file("index.html")),
        Route("/docs", _file("docs.html")),
        Mount("/page", StaticFiles(directory=PAGE)),
        Mount("/samples", StaticFiles(directory=SAMPLES)),
    ]


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def send(_: Request) -> Response:
        return FileResponse(PAGE / name, media_type="text/html; charset=utf-8")

    return send
