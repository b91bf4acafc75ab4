"""Logging: what is said, at which level, and what is never said."""

from __future__ import annotations

import logging

import pytest

from anyopenai import OpenAI
from anyopenai._engine.logs import LOGGER, level_from, show_on_stderr
from anyopenai.testing import Answer
from engine.support import CHAT, KEY, client_over, ok, without_waiting


async def test_debug_says_what_happened_and_no_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without_waiting(monkeypatch)
    client, _ = client_over(
        Answer.error(500, "private error text"),
        ok(CHAT),
        default_headers={"x-custom-token": "custom-secret"},
        default_query={"sig": "query-secret"},
        log_level="debug",
    )
    await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "private prompt"}])
    text = caplog.text
    assert "POST /v1/chat/completions -> 200" in text
    assert "request id req_fake_2" in text
    assert "retry POST /v1/chat/completions" in text
    assert "status 500" in text
    for secret in (KEY, "custom-secret", "query-secret", "private prompt", "private error text", "Hi"):
        assert secret not in text


async def test_a_client_has_a_level_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    silent, _ = client_over(ok())
    await silent.models.retrieve("m")
    assert caplog.records == []
    talking = silent.with_options(log_level=logging.DEBUG)
    talking._engine.carrier.transport.add(ok())
    await talking.models.retrieve("m")
    assert [record.name for record in caplog.records] == ["anyopenai"]


async def test_records_go_to_the_callers_logger(caplog: pytest.LogCaptureFixture) -> None:
    mine = logging.getLogger("application.openai")
    client, _ = client_over(ok(), logger=mine, log_level="debug")
    await client.models.retrieve("m")
    assert [record.name for record in caplog.records] == ["application.openai"]
    quiet = client.with_options(log_level="error")
    quiet._engine.carrier.transport.add(ok())
    await quiet.models.retrieve("m")
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("given", "level"), [("debug", 10), (" INFO ", 20), (15, 15)])
def test_levels_have_names_and_numbers(given: int | str, level: int) -> None:
    assert level_from(given) == level


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="log_level"):
        OpenAI(api_key="k", log_level="loud")


@pytest.fixture
def restored_logger() -> object:
    handlers, level = list(LOGGER.handlers), LOGGER.level
    yield LOGGER
    LOGGER.handlers[:] = handlers
    LOGGER.setLevel(level)


def test_the_environment_turns_logging_on(
    monkeypatch: pytest.MonkeyPatch, restored_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_LOG", "debug")
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    OpenAI(api_key="k")
    OpenAI(api_key="k")
    restored_logger.debug("hello")
    assert capsys.readouterr().err.count("anyopenai - DEBUG] hello") == 1


def test_handlers_of_the_program_are_left_alone(restored_logger: logging.Logger) -> None:
    before = list(LOGGER.handlers)
    # pytest's own handlers stand on the root logger.
    show_on_stderr(logging.INFO)
    assert LOGGER.handlers == before
    assert LOGGER.level == logging.INFO
