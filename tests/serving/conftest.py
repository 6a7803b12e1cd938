"""A service over a model that reads grey levels, or over the shipped one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from chepai.inference.reader import Reader
from grey_service import GreyReader

if TYPE_CHECKING:
    from starlette.testclient import TestClient


@pytest.fixture
def grey() -> GreyReader:
    return GreyReader()


@pytest.fixture
def client_of(grey: GreyReader) -> Iterator[Callable[..., TestClient]]:
    """Opens a client of a service over `grey`, or another reader, with these settings."""
    from chepai.serving.app import create_app
    from chepai.serving.settings import make_settings
    from starlette.testclient import TestClient

    opened = []

    def open_client(reader: Any = grey, **settings: Any) -> TestClient:
        app = create_app(reader, make_settings(**settings))
        client = TestClient(app, raise_server_exceptions=False)
        opened.append(client.__enter__())
        return opened[-1]

    yield open_client
    grey.gate.set()
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(client_of: Callable[..., TestClient]) -> TestClient:
    return client_of()


@pytest.fixture(scope="session")
def default_reader() -> Reader:
    return Reader("default", threads=1)


@pytest.fixture(scope="session")
def sample_files() -> list[Path]:
    from chepai.inference.files import sample_pictures

    return sample_pictures()
