"""The endpoints that read: `/api/v1/read`, and `/api/ml/st_lpr` for the callers of an older one."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request

from .answers import JsonAnswer, check_single, readings_body, texts_body
from .described import reading_answers, reading_form, text_answers
from .desk import Desk, Outcome
from .door import Door
from .settings import ServiceSettings
from .uploads import Buffer, receive_form


def reading_router(desk: Desk, buffer: Buffer, door: Door, settings: ServiceSettings) -> APIRouter:
    """Both endpoints at one desk."""
    router = APIRouter(tags=["reading"])

    def check(request: Request) -> None:
        door.check(request)
        desk.check_room()

    async def outcomes_of(request: Request) -> list[Outcome]:
        note = request.scope["note"]
        with buffer.share() as share:
            try:
                with desk.expecting():
                    uploads = await receive_form(request, settings, share, lambda: check(request))
                    note.images = len(uploads)
                    pending = desk.hand_in(uploads)
            finally:
                note.bytes = share.size
            del uploads
            outcomes = await pending
        _tell(request, outcomes)
        check_single(outcomes)
        return outcomes

    @router.post(
        "/api/v1/read",
        summary="Read plates",
        response_class=JsonAnswer,
        responses=reading_answers(),
        openapi_extra=reading_form(several=True),
    )
    async def read(request: Request) -> JsonAnswer:
        """Readings of one or more pictures, in their order.

        A picture among several that cannot be read is a row with `error`; a single one is
        answered with the status of its error.
        """
        return JsonAnswer(readings_body(await outcomes_of(request)))

    @router.post(
        "/api/ml/st_lpr",
        summary="Read plates, texts only",
        response_class=JsonAnswer,
        responses=text_answers(),
        openapi_extra=reading_form(several=False),
    )
    async def read_texts(request: Request) -> JsonAnswer:
        """The same job in the older form: a list of texts, whatever their confidence."""
        return JsonAnswer(texts_body(await outcomes_of(request)))

    return router


def _tell(request: Request, outcomes: Sequence[Outcome]) -> None:
    note = request.scope["note"]
    note.plates = len(outcomes)
    for outcome in outcomes:
        note.accepted += outcome.reading.accepted
        note.unreadable += outcome.reading.error is not None
