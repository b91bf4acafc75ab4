"""What a failed command says: one readable line for each kind of error; nothing is printed or decided here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from ..errors import APIConnectionError, APIStatusError, OpenAIError

__all__ = ("CommandError", "is_expected", "line_from_error")

# Long enough for any message of the API; a proxy's HTML page must not fill the screen.
MAX_CHARACTERS = 500


class CommandError(Exception):
    """A command cannot do what it was asked for; the message is what the user reads."""


def is_expected(error: BaseException) -> bool:
    """Tell whether an error is about input, files or the server, rather than a fault in this program."""
    return all(isinstance(leaf, CommandError | OpenAIError | OSError) for leaf in _leaves(error))


def line_from_error(error: BaseException) -> str:
    """Say in one line what went wrong.

    Args:
        error: What was raised; of a group, the first is told and the others are counted.
    """
    leaves = list(_leaves(error))
    first = leaves[0]
    if isinstance(first, APIStatusError):
        request_id = f" (request {first.request_id})" if first.request_id else ""
        text = f"the API answered {first.status_code}: {first.message}{request_id}"
    elif isinstance(first, APIConnectionError):
        where = f" ({first.request.url})" if first.request is not None else ""
        text = f"{first.message}{where}"
    elif isinstance(first, OSError) and not isinstance(first, OpenAIError):
        where = f"{first.filename}: " if first.filename is not None else ""
        text = f"{where}{first.strerror or first}"
    else:
        text = str(first) or type(first).__name__
    text = " ".join(text.split())
    if len(text) > MAX_CHARACTERS:
        text = f"{text[:MAX_CHARACTERS]}..."
    return f"{text} (and {len(leaves) - 1} more)" if len(leaves) > 1 else text


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(inner)
    else:
        yield error
