"""The embeddings endpoint: forms of input and output, sizes, limits, and fairness to the event loop."""

from __future__ import annotations

from array import array
from base64 import b64decode
from typing import Any

import anyio
import pytest

from anyopenai._tasks import open_task_group
from anyopenai.testing import StandIn
from testing.asgi import ask

APP = StandIn()


async def create(**members: object) -> Any:
    return (await ask(APP, "POST", "/v1/embeddings", {"model": "m", "input": "hello world"} | members)).json()


async def vectors(**members: object) -> list[list[float]]:
    return [item["embedding"] for item in (await create(**members))["data"]]


async def test_an_answer_has_the_apis_shape():
    answer = await create(input=["alpha beta", "gamma"])
    assert (answer["object"], answer["model"]) == ("list", "m")
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert [(item["object"], item["index"]) for item in answer["data"]] == [("embedding", 0), ("embedding", 1)]


async def test_base64_holds_the_same_numbers_as_floats():
    (numbers,) = await vectors(dimensions=64)
    (encoded,) = await vectors(dimensions=64, encoding_format="base64")
    assert isinstance(encoded, str)
    assert array("f", b64decode(encoded)).tolist() == numbers


@pytest.mark.parametrize(
    ("model", "size"),
    [("text-embedding-3-small", 1536), ("text-embedding-3-large", 3072), ("anything", 1536)],
)
async def test_a_model_has_its_own_size(model: str, size: int):
    assert len((await vectors(model=model))[0]) == size


@pytest.mark.parametrize("size", [1, 2, 1000])
async def test_dimensions_are_heeded(size: int):
    assert len((await vectors(dimensions=size))[0]) == size


@pytest.mark.parametrize(
    ("given", "count"), [("text", 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1, 2], [3], [4]], 3), ([" "], 1)]
)
async def test_every_form_of_input_is_taken(given: object, count: int):
    assert len(await vectors(input=given, dimensions=8)) == count


async def test_one_list_of_token_ids_is_one_input():
    assert await vectors(input=[5, 6], dimensions=8) == await vectors(input=[[5, 6]], dimensions=8)


async def test_many_inputs_come_back_in_order_and_in_large_pieces():
    texts = [f"item number {number}" for number in range(2048)]
    reply = await ask(
        APP, "POST", "/v1/embeddings", {"model": "m", "input": texts, "dimensions": 32, "encoding_format": "base64"}
    )
    assert [item["index"] for item in reply.json()["data"]] == list(range(2048))
    assert len(reply.pieces) > 1
    assert all(len(piece) >= 65536 for piece in reply.pieces[:-1])
    (alone,) = await vectors(input=texts[1234], dimensions=32, encoding_format="base64")
    assert reply.json()["data"][1234]["embedding"] == alone


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"input": None}, "input", "missing_parameter"),
        ({"input": ""}, "input[0]", "invalid_value"),
        ({"input": []}, "input", "invalid_type"),
        ({"input": 3}, "input", "invalid_type"),
        ({"input": ["a", ""]}, "input[1]", "invalid_value"),
        ({"input": [[1], []]}, "input[1]", "invalid_value"),
        ({"input": ["a", 1]}, "input", "invalid_type"),
        ({"input": [1, True]}, "input", "invalid_type"),
        ({"input": ["a"] * 2049}, "input", "array_too_long"),
        ({"input": "a " * 8193}, "input[0]", "context_length_exceeded"),
        ({"input": ["a" + " a" * 8191] * 37}, "input", "max_tokens_per_request"),
        ({"encoding_format": "hex"}, "encoding_format", "invalid_value"),
        ({"dimensions": 0}, "dimensions", "integer_out_of_range"),
        ({"model": "text-embedding-3-small", "dimensions": 1537}, "dimensions", "integer_out_of_range"),
        ({"dimensions": 1.5}, "dimensions", "invalid_type"),
        ({"model": ""}, "model", "invalid_type"),
    ],
)
async def test_bad_members_are_blamed_by_name(members: dict[str, object], param: str, code: str):
    reply = await ask(APP, "POST", "/v1/embeddings", {"model": "m", "input": "x"} | members)
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, param, code)


async def test_other_tasks_run_while_a_large_request_is_embedded():
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with open_task_group() as tasks:
        tasks.start_soon(count)
        await create(input=["some words of a text"] * 2000, dimensions=8)
        tasks.cancel_scope.cancel()
    # 2,000 items of 34 tokens each, and a step at least every 250 and an item.
    assert turns > 200
