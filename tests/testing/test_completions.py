"""The older text completions, whole and streamed."""

from __future__ import annotations

from typing import Any

import pytest

from anyopenai.testing import StandIn
from testing.asgi import ask


async def create(**members: object) -> Any:
    reply = await ask(StandIn(), "POST", "/v1/completions", {"model": "m"} | members)
    return reply.json()


async def test_a_completion_has_sixteen_tokens_unless_told_otherwise():
    answer = await create(prompt="one two three")
    assert answer["object"] == "text_completion"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 16
    assert answer["usage"]["prompt_tokens"] == 3


async def test_several_prompts_give_n_answers_each_in_order():
    answer = await create(prompt=["alpha", "beta"], n=2, max_tokens=100)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2, 3]
    assert ["alpha" in choice["text"] for choice in answer["choices"]] == [True, True, False, False]


@pytest.mark.parametrize("prompt", [None, "text", ["a", "b"], [1, 2, 3], [[1, 2], [3]]])
async def test_every_form_of_prompt_is_taken(prompt: object):
    answer = await create(prompt=prompt)
    assert len(answer["choices"]) == (2 if prompt in (["a", "b"], [[1, 2], [3]]) else 1)


async def test_echo_puts_the_prompt_first_and_does_not_count_it_as_made():
    answer = await create(prompt="one two", echo=True, max_tokens=2, n=2)
    assert answer["choices"][0]["text"] == "one twoThis answer"
    assert answer["usage"]["completion_tokens"] == 4


async def test_a_stop_sequence_and_a_suffix_are_heeded():
    answer = await create(prompt="x", suffix=" the end", max_tokens=100, stop=" the")
    assert answer["choices"][0]["text"].endswith("“x”.")


@pytest.mark.parametrize("members", [{}, {"n": 2}, {"max_tokens": 0}, {"prompt": ["a", "b"], "echo": True}])
async def test_a_stream_carries_the_same_text_as_the_whole_answer(members: dict[str, Any]):
    whole = await create(**{"prompt": "x"} | members)
    body = {"model": "m", "prompt": "x", "stream": True, "stream_options": {"include_usage": True}} | members
    reply = await ask(StandIn(), "POST", "/v1/completions", body)
    *chunks, last, done = [data for _, data in reply.events()]
    assert done == "[DONE]"
    assert (last["choices"], last["usage"]) == ([], whole["usage"])
    for choice in whole["choices"]:
        mine = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == choice["index"]]
        assert "".join(part["text"] for part in mine) == choice["text"]
        assert mine[-1]["finish_reason"] == choice["finish_reason"]


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": 3}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"n": 2, "best_of": 1}, "best_of"),
    ],
)
async def test_bad_members_are_blamed_by_name(members: dict[str, object], param: str):
    assert (await create(**members))["error"]["param"] == param
