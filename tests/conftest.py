"""Every asynchronous test runs on asyncio and on trio; property tests have no time limit of their own."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings

# Hypothesis fails an example that takes over 200 ms, which on a busy machine any may. Each test has its 20 s.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Name the event loop that a test runs on."""
    return str(request.param)


def pytest_collection_finish() -> None:
    """Set aside what is there to stay, so that collections in tests look at what the tests made."""
    gc.collect()
    gc.freeze()


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Set aside what a module loaded, and have what it leaked finalized where it is to blame."""
    if nextitem is not None and nextitem.path != item.path:
        gc.collect()
        gc.freeze()
