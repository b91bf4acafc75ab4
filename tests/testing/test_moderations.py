"""Moderations by word list."""

from __future__ import annotations

from typing import Any

import pytest

from anyopenai.testing import StandIn
from testing.asgi import ask


async def create(given: object) -> Any:
    return (await ask(StandIn(), "POST", "/v1/moderations", {"input": given})).json()


async def test_listed_words_are_flagged_and_others_are_not():
    answer = await create(["I will KILL it", "a killing joke is fine", "hello"])
    assert [result["flagged"] for result in answer["results"]] == [True, False, False]
    assert answer["results"][0]["categories"]["violence"] is True
    assert answer["results"][0]["category_scores"]["violence"] == 1.0
    assert answer["results"][0]["category_scores"]["hate"] == 0.0
    assert answer["model"] == "stand-in-moderation"


async def test_categories_scores_and_input_types_have_the_same_names():
    (result,) = (await create("hello"))["results"]
    names = set(result["categories"])
    assert len(names) == 13
    assert names == set(result["category_scores"]) == set(result["category_applied_input_types"])


async def test_parts_are_one_input():
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    (result,) = (await create([{"type": "text", "text": "murder"}, image]))["results"]
    assert result["flagged"] is True
    assert result["category_applied_input_types"]["violence"] == ["text", "image"]
    assert result["category_applied_input_types"]["hate"] == ["text"]
    (result,) = (await create([image]))["results"]
    assert result["category_applied_input_types"]["hate"] == []


@pytest.mark.parametrize("given", [None, 3, [], [1], [{"type": "audio"}]])
async def test_other_inputs_are_refused(given: object):
    reply = await ask(StandIn(), "POST", "/v1/moderations", {"input": given})
    assert reply.status == 400
    assert reply.error["param"].startswith("input")
