"""Conversations: what is sent, what is kept, and how a bad end is told."""

from __future__ import annotations

from typing import Any

import pytest
from anyio import Event, create_task_group, wait_all_tasks_blocked

from anyopenai import InternalServerError, OpenAI, StreamTruncated
from anyopenai.cli.conversation import ChatConversation, Conversation, ResponsesConversation
from anyopenai.cli.failures import CommandError
from anyopenai.testing import Answer, FakeTransport


def chunk(content: str | None = None, finish_reason: str | None = None, refusal: str | None = None) -> dict[str, Any]:
    delta = {"content": content, "refusal": refusal}
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


def delta(text: str) -> dict[str, Any]:
    return {
        "type": "response.output_text.delta",
        "delta": text,
        "item_id": "i",
        "output_index": 0,
        "content_index": 0,
        "sequence_number": 1,
        "logprobs": [],
    }


def ended(how: str, **members: Any) -> dict[str, Any]:
    response = {
        "id": "r",
        "object": "response",
        "created_at": 0,
        "status": how,
        "model": "m",
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    return {"type": f"response.{how}", "sequence_number": 9, "response": response | members}


CHAT = Answer(events=[chunk("Hel"), chunk("lo"), chunk(finish_reason="stop"), "[DONE]"])
RESPONSE = Answer(events=[delta("Hel"), delta("lo"), ended("completed")])
FAILED = Answer(500, json={"error": {"message": "no"}})


class Asked:
    """A conversation over scripted answers."""

    def __init__(self, api: str, *answers: Answer, system: str | None = None) -> None:
        self.transport = FakeTransport(*answers)
        client = OpenAI(api_key="k", transport=self.transport, max_retries=0)
        kind = {"chat": ChatConversation, "responses": ResponsesConversation}[api]
        self.conversation: Conversation = kind(client, "m", system)
        self.written: list[str] = []

    async def ask(self, prompt: str) -> None:
        await self.conversation.ask(prompt, self.written.append)

    @property
    def last_body(self) -> Any:
        return self.transport.requests[-1].json()


async def test_a_chat_sends_what_was_said_before() -> None:
    asked = Asked("chat", CHAT, CHAT, system="Be brief.")
    await asked.ask("one")
    assert asked.written == ["Hel", "lo"]
    await asked.ask("two")
    assert asked.last_body == {
        "model": "m",
        "stream": True,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "two"},
        ],
    }


async def test_a_responses_conversation_sends_what_was_said_before() -> None:
    asked = Asked("responses", RESPONSE, RESPONSE, system="Be brief.")
    await asked.ask("one")
    assert asked.written == ["Hel", "lo"]
    await asked.ask("two")
    assert asked.last_body == {
        "model": "m",
        "stream": True,
        "store": False,
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "Hello"},
            {"role": "user", "content": "two"},
        ],
    }


@pytest.mark.parametrize(("api", "member", "good"), [("chat", "messages", CHAT), ("responses", "input", RESPONSE)])
async def test_a_prompt_that_failed_is_forgotten(api: str, member: str, good: Answer) -> None:
    asked = Asked(api, FAILED, good)
    with pytest.raises(InternalServerError):
        await asked.ask("one")
    await asked.ask("two")
    assert asked.last_body[member] == [{"role": "user", "content": "two"}]


@pytest.mark.parametrize(
    ("api", "answer", "error", "message"),
    [
        ("chat", Answer(events=[chunk("a"), chunk(finish_reason="length"), "[DONE]"]), CommandError, "length limit"),
        ("chat", Answer(events=[chunk(finish_reason="content_filter"), "[DONE]"]), CommandError, "content filter"),
        ("chat", Answer(events=[chunk("a")]), StreamTruncated, "stream"),
        ("responses", Answer(events=[delta("a")]), StreamTruncated, "stream"),
        (
            "responses",
            Answer(events=[ended("incomplete", incomplete_details={"reason": "max_output_tokens"})]),
            CommandError,
            "incomplete: max_output_tokens",
        ),
        ("responses", Answer(events=[ended("incomplete")]), CommandError, "incomplete: no reason given"),
        (
            "responses",
            Answer(events=[ended("failed", error={"code": "server_error", "message": "broke"})]),
            CommandError,
            "the model failed: broke",
        ),
        (
            "responses",
            Answer(
                events=[{"type": "error", "message": "too long", "code": None, "param": None, "sequence_number": 1}]
            ),
            CommandError,
            "the server reports: too long",
        ),
    ],
)
async def test_an_answer_that_is_not_whole_is_an_error(
    api: str, answer: Answer, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        await Asked(api, answer).ask("one")


async def test_a_refusal_is_shown_like_an_answer() -> None:
    asked = Asked("chat", Answer(events=[chunk(refusal="I will not."), chunk(finish_reason="stop"), "[DONE]"]))
    await asked.ask("one")
    assert asked.written == ["I will not."]


@pytest.mark.parametrize(
    ("api", "first", "good"), [("chat", chunk("Hel"), CHAT), ("responses", delta("Hel"), RESPONSE)]
)
async def test_a_cancelled_answer_is_forgotten_and_its_connection_closed(api: str, first: Any, good: Answer) -> None:
    asked = Asked(api, Answer(events=[first, Event(), first]), good)
    async with create_task_group() as tasks:
        tasks.start_soon(asked.ask, "one")
        await wait_all_tasks_blocked()
        assert asked.written == ["Hel"]
        tasks.cancel_scope.cancel()
    assert asked.transport.open_responses == 0
    await asked.ask("two")
    assert len(asked.last_body.get("messages") or asked.last_body["input"]) == 1
