# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What type checkers must refuse: an ignored line that is no error is itself one, for mypy and for pyright.

Nothing runs this file.
"""

from __future__ import annotations

from anyopenai import OpenAI
from anyopenai.types.chat import ChatCompletionUserMessageParam


async def wrong_calls(client: OpenAI) -> None:
    await client.chat.completions.create(model="m", messages=[{"role": "usr", "content": "hi"}])  # type: ignore[list-item]
    await client.chat.completions.create(model="m", mesages=[])  # type: ignore[call-overload]
    await client.chat.completions.create(model="m")  # type: ignore[call-overload]
    await client.embeddings.create(model="m", input="x", dimensions="3")  # type: ignore[call-overload]
    await client.embeddings.create(model="m", input=3)  # type: ignore[call-overload]
    await client.embeddings.create("x", "m")  # type: ignore[call-overload]
    await client.models.retrieve()  # type: ignore[call-arg]
    await client.models.retrieve("m", timeot=3)  # type: ignore[call-arg]
    await client.responses.create(model="m", input=[{"type": "no_such_item"}])  # type: ignore[list-item]
    await client.responses.create(model="m", input="x", text={"verbosity": "shouting"})  # type: ignore[call-overload]
    await client.files.create(file="a path is no file", purpose="batch")  # type: ignore[arg-type]
    await client.embeddings.with_raw_response.create(model="m", inputs="x")  # type: ignore[call-overload]
    await client.audio.voices.create(name="n")  # type: ignore[call-overload]
    await client.audio.voices.create(name="n", type="prompt", audio_sample=b"", consent="c")  # type: ignore[call-overload]
    await client.audio.voices.create(name="n", audio_sample=b"", consent="c", script_hint="x")  # type: ignore[call-overload]
    await client.admin.organization.external_keys.create(name="n", type="gcp")  # type: ignore[call-overload]
    _ = client.embedings  # type: ignore[attr-defined]


def wrong_names() -> None:
    """Doors that open on first use hide no misspelling."""
    from anyopenai import OpenAy as OpenAy  # type: ignore[attr-defined]
    from anyopenai.types import Modell as Modell  # type: ignore[attr-defined]
    from anyopenai.types.chat import ChatCompletio as ChatCompletio  # type: ignore[attr-defined]


def wrong_members(message: ChatCompletionUserMessageParam) -> None:
    message["contnet"] = "x"  # type: ignore[typeddict-unknown-key]
