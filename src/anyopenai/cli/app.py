"""The commands with their options, and how each ends; the work itself lives in the modules beside this one."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from .._version import __version__
from .connecting import BULK_RETRIES, Connecting
from .failures import CommandError, is_expected, line_from_error
from .interrupts import SIGNALS, Interrupts
from .items import Form
from .screen import notes, say

if TYPE_CHECKING:
    from ..client import OpenAI
    from .conversation import Conversation

__all__ = ("command", "run")

F = TypeVar("F", bound=Callable[..., object])

EMBEDDING_MODEL = "text-embedding-3-small"
MODEL = "gpt-5.5"

# One request takes at most this many texts: https://platform.openai.com/docs/api-reference/embeddings/create
MAX_BATCH = 2048


class Session:
    """What every command needs: the signals, and whether failures are shown in full."""

    def __init__(self, interrupts: Interrupts) -> None:
        self.interrupts = interrupts
        self.debug = False

    def run(self, work: Callable[[], Awaitable[None]], backend: str) -> None:
        """Run a command's work on the chosen event loop."""
        if backend == "trio" and find_spec("trio") is None:
            raise CommandError("trio is not installed: pip install 'anyopenai[trio]'")
        self.interrupts.run(work, backend=backend)


def run(interrupts: Interrupts, arguments: list[str] | None = None) -> int:
    """Carry out the command that the arguments name, and return the exit code.

    Args:
        interrupts: The signals, already in hand.
        arguments: Without the program's name; None for those of the process.
    """
    session = Session(interrupts)
    try:
        command.main(arguments, prog_name="anyopenai", standalone_mode=False, obj=session)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (BrokenPipeError, ModuleNotFoundError):
        raise
    except Exception as error:
        if session.debug or not is_expected(error):
            traceback.print_exception(error)
        notes().print(f"Error: {line_from_error(error)}", style="red")
        return 1
    return 0


def _set_debug(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    session = context.find_object(Session)
    if session is not None:
        session.debug |= value


def _show_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        say(f"anyopenai {__version__} (Python {platform.python_version()})")
        context.exit()


def _common(function: F) -> F:
    """Add the options that every command has which runs an event loop."""
    function = click.option(
        "--backend",
        type=click.Choice(["asyncio", "trio"]),
        default="asyncio",
        show_default=True,
        help="Event loop to run on.",
    )(function)
    return click.option(
        "--debug", is_flag=True, expose_value=False, callback=_set_debug, help="Show the traceback of a failure."
    )(function)


def _base_url(function: F) -> F:
    return click.option(
        "--base-url",
        metavar="URL",
        help="Server to use instead of OpenAI's, such as http://127.0.0.1:8000/v1. [env: OPENAI_BASE_URL]",
    )(function)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version, help="Show the version."
)
def command() -> None:
    """The OpenAI API from the command line.

    OPENAI_API_KEY and OPENAI_BASE_URL are read from the environment.
    """


@command.command(short_help="Texts to vectors: FILE to vectors.npy and items.jsonl.")
@click.argument("source", metavar="INPUT")
@click.option("--model", "-m", required=True, help=f"Embedding model, such as {EMBEDDING_MODEL}.")
@click.option(
    "--output",
    "-o",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Directory for vectors.npy (float32) and items.jsonl.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["auto", "jsonl", "text"]),
    default="auto",
    show_default=True,
    help="How INPUT is written; auto looks at its first line.",
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, MAX_BATCH),
    default=64,
    show_default=True,
    help="Texts in one request.",
)
@click.option("--concurrency", type=click.IntRange(1), default=8, show_default=True, help="Requests in flight.")
@click.option("--dimensions", type=click.IntRange(1), help="Length of the vectors; the model's own by default.")
@click.option(
    "--max-retries",
    type=click.IntRange(0),
    default=BULK_RETRIES,
    show_default=True,
    help="How often a failed request is repeated.",
)
@_base_url
@_common
@click.pass_obj
def embed(
    session: Session,
    source: str,
    model: str,
    output: Path,
    form: str,
    batch_size: int,
    concurrency: int,
    dimensions: int | None,
    max_retries: int,
    base_url: str | None,
    backend: str,
) -> None:
    """Embed every text of INPUT, a file or - for standard input.

    INPUT has one text on each line: plain, or a JSON object with "text" (or "input") and an optional "id". Row i of
    vectors.npy belongs to line i of items.jsonl. The files are complete or absent: they get their names at the end.
    """
    from .embed import EmbedOptions, embed_file

    forms: dict[str, Form | None] = {"auto": None, "jsonl": "jsonl", "text": "text"}
    options = EmbedOptions(
        source=source,
        output=output,
        server=Connecting.from_option(base_url),
        model=model,
        form=forms[form],
        batch_size=batch_size,
        concurrency=concurrency,
        dimensions=dimensions,
        max_retries=max_retries,
    )
    session.run(partial(embed_file, options), backend)


def _talking(function: F) -> F:
    """Add what `chat` and `respond` take."""
    function = _base_url(_common(function))
    function = click.option("--system", "-s", metavar="TEXT", help="Instructions that come before the prompt.")(
        function
    )
    function = click.option("--model", "-m", default=MODEL, show_default=True, help="The model.")(function)
    return click.argument("prompt", required=False)(function)


def _converse(
    session: Session,
    open_conversation: Callable[[OpenAI], Conversation],
    prompt: str | None,
    base_url: str | None,
    backend: str,
) -> None:
    from .talking import converse

    connecting = Connecting.from_option(base_url)
    session.run(partial(converse, open_conversation, prompt, connecting, session.interrupts.cancelling), backend)


@command.command(short_help="Stream an answer of the Chat Completions API.")
@_talking
@click.pass_obj
def chat(
    session: Session, prompt: str | None, model: str, system: str | None, base_url: str | None, backend: str
) -> None:
    """Stream the answer to PROMPT through the Chat Completions API.

    Without PROMPT, or with -, the prompt is standard input; on a terminal you are asked for prompts, and the
    conversation goes on until Ctrl-D.
    """
    from .talking import ChatConversation

    _converse(session, partial(ChatConversation, model=model, system=system), prompt, base_url, backend)


@command.command(short_help="Stream an answer of the Responses API.")
@_talking
@click.pass_obj
def respond(
    session: Session, prompt: str | None, model: str, system: str | None, base_url: str | None, backend: str
) -> None:
    """Stream the answer to PROMPT through the Responses API.

    Without PROMPT, or with -, the prompt is standard input; on a terminal you are asked for prompts, and the
    conversation goes on until Ctrl-D.
    """
    from .talking import ResponsesConversation

    _converse(session, partial(ResponsesConversation, model=model, system=system), prompt, base_url, backend)


@command.command(short_help="Run a local stand-in for the API.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0 for any free one."
)
@_common
@click.pass_obj
def serve(session: Session, host: str, port: int, backend: str) -> None:
    """Run a stand-in for the API, for tests and for trying things, until Ctrl-C.

    It computes no model: answers are made of rules, and vectors of the letters of a text.
    """
    from .serving import serve_until_stopped

    stopped = partial(session.interrupts.cancelling, signals=SIGNALS)
    session.run(partial(serve_until_stopped, host, port, stopped), backend)


@command.command(short_help="Run the main job: embed, search, stream; no key, no network.")
@click.option(
    "--output",
    "-o",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="Directory for vectors.npy and items.jsonl.",
)
@click.option("--live", is_flag=True, help="Use the OpenAI API (OPENAI_API_KEY, OPENAI_BASE_URL), which costs money.")
@click.option("--base-url", metavar="URL", help="Use this server instead of the stand-in.")
@click.option("--model", "-m", default=MODEL, show_default=True, help="Model of the two answers.")
@click.option("--embedding-model", default=EMBEDDING_MODEL, show_default=True, help="Model of the vectors.")
@click.option("--dimensions", type=click.IntRange(1), help="Length of the vectors; the model's own by default.")
@click.option(
    "--batch-size", type=click.IntRange(1, MAX_BATCH), default=64, show_default=True, help="Texts in a request."
)
@click.option("--concurrency", type=click.IntRange(1), default=8, show_default=True, help="Requests in flight.")
@click.option("--limit", type=click.IntRange(1), help="Use only so many texts.")
@_common
@click.pass_obj
def demo(
    session: Session,
    output: Path,
    live: bool,
    base_url: str | None,
    model: str,
    embedding_model: str,
    dimensions: int | None,
    batch_size: int,
    concurrency: int,
    limit: int | None,
    backend: str,
) -> None:
    """Embed the docstrings of Python's standard library, search them, and stream two answers.

    A stand-in for the API runs in the same process, so that neither key nor network is needed. Only --live and
    --base-url use another server.
    """
    from .demo import DemoOptions
    from .demo import demo as run_demo

    options = DemoOptions(
        backend=backend,
        output=output,
        server=Connecting.from_option(base_url) if live or base_url else None,
        model=model,
        embedding_model=embedding_model,
        dimensions=dimensions,
        batch_size=batch_size,
        concurrency=concurrency,
        limit=limit,
    )
    session.run(partial(run_demo, options), backend)
