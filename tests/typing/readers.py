"""What checkers infer of text streams, tees, merges and usage; checked by mypy and pyright, never run."""

from typing import assert_type

from anyopenai import Merged, OpenAI, TeeReader, TextStream, Usage, UsageLedger, merge, tee
from anyopenai.types.chat import ChatCompletionChunk


async def one_stream(client: OpenAI) -> None:
    stream = await client.chat.completions.create(model="m", messages=[], stream=True)
    assert_type(stream.text_stream, TextStream)
    assert_type(stream.usage, Usage | None)
    async for text in stream.text_stream:
        assert_type(text, str)
    async with stream.tee(2) as readers:
        assert_type(readers, tuple[TeeReader[ChatCompletionChunk], ...])
    async with tee(stream) as (reader, _):
        assert_type(await anext(reader), ChatCompletionChunk)


async def many_streams(client: OpenAI) -> None:
    one = await client.chat.completions.create(model="m", messages=[], stream=True)
    later = client.chat.completions.create(model="m", messages=[], stream=True)
    async with merge(one, one) as by_position:
        assert_type(by_position, Merged[int, ChatCompletionChunk])
    async with merge({"later": later}) as by_tag:
        async for tag, event in by_tag:
            assert_type(tag, str)
            assert_type(event, ChatCompletionChunk)


def costs(ledger: UsageLedger) -> None:
    assert_type(ledger["search"], Usage)
    assert_type(ledger.total + ledger.total, Usage)
    OpenAI(usage=ledger).with_options(usage=ledger.tag("search"))
