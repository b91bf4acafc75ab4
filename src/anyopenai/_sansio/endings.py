"""The one table of what makes a stream complete, and where its usage stands; no text of an event is held here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any, Final, cast

__all__ = ("Ending", "ending_for")


class Ending:
    """Watches one stream for its end marker.

    This class is the rule for streams without one of their own: whatever ends cleanly is complete.

    Attributes:
        complete: Whether the stream may end here. `[DONE]` is the server's word and completes every stream.
        expected: What is still to come, as a noun phrase for an error's text.
        usages: What the stream said of its cost so far, as the server's own objects; several where each of several
            results has its own.
    """

    __slots__ = ("complete", "usages")

    complete: bool
    usages: list[object]

    def __init__(self, complete: bool = True) -> None:
        self.complete = complete
        self.usages = []

    def wants(self, name: str, data: bytes) -> bool:
        """Tell, without decoding it, whether an event can matter to `observe`: for those who pass bytes on.

        Args:
            name: The event's name; "" without one.
            data: Its data as it stands on the wire.
        """
        return False

    def goes_on(self, names: Sequence[str], data: bytes) -> bool:
        """Tell of several whole events at once, without looking at each, whether surely none is `[DONE]` or can matter.

        Args:
            names: Their names; "" for those without.
            data: Their bytes as they stand on the wire.
        """
        return False

    def observe(self, event: object) -> bool:
        """Take notice of an event; True when it is the last one and no `[DONE]` follows it.

        Never raises, whatever the event's shape.

        Args:
            event: A decoded Struct, an `UnknownObject`, or a plain mapping.
        """
        return False

    def saw_done(self) -> None:
        """Take notice of `[DONE]`."""
        self.complete = True

    @property
    def expected(self) -> str:
        """What is still to come, as a noun phrase for an error's text."""
        return "[DONE]"


class _Choices(Ending):
    """Chat and legacy completions: a finish reason on every choice, and the usage if it was asked for.

    `[DONE]` follows, so no event is the last one. Some servers send `[DONE]` without any finish reason, others a
    finish reason without `[DONE]`: either will do.
    """

    __slots__ = ("_count", "_finished", "_usage_due")

    def __init__(self, count: int, include_usage: bool) -> None:
        super().__init__(False)
        self._count = count
        self._finished: frozenset[int] = frozenset()  # a set would be a tenth of what an open stream keeps
        self._usage_due = include_usage

    # `Any`: the event comes from a server, and what it lacks is handled.
    def observe(self, event: Any) -> bool:
        try:
            (choice,) = event.choices
            if choice.finish_reason is None:
                return False
        except (AttributeError, TypeError, ValueError):
            pass
        self._look(event)
        return False

    def wants(self, name: str, data: bytes) -> bool:
        # A quotation mark in a text is escaped, so this is the member itself.
        return data.count(b'"finish_reason"') != 1 or not _GOES_ON(data)

    def goes_on(self, names: Sequence[str], data: bytes) -> bool:
        # One in each, none that finishes, and no cost: one event may have two choices where another has none and the usage.
        return (
            data.count(b'"finish_reason":null') == len(names) == data.count(b'"finish_reason"')
            and data.count(b'"choices":[{') == len(names)
            and b'"usage":{' not in data
        )

    def _look(self, event: object) -> None:
        """Take notice of an event that is not one choice going on."""
        usage = _read(event, "usage")
        if usage is not None:
            self.usages[:] = (usage,)
        if self.complete:
            return
        choices = _read(event, "choices")
        if isinstance(choices, list):
            for position, choice in enumerate(cast("list[object]", choices)):
                if _read(choice, "finish_reason"):
                    index = _read(choice, "index")
                    self._finished |= {index if isinstance(index, int) else position}
        if len(self._finished) >= self._count:
            # Servers that report usage with every chunk put the last of it on the finishing one.
            if self._usage_due and usage is not None:
                self._usage_due = False
            self.complete = not self._usage_due

    @property
    def expected(self) -> str:
        if len(self._finished) < self._count:
            which = "a finish reason" if self._count == 1 else f"finish reasons on {self._count} choices"
            return f"[DONE] or {which}"
        return "[DONE] or the usage chunk that include_usage asks for"


class _Types(Ending):
    """Events whose `type` says that the stream is over, after a given number of them."""

    __slots__ = ("_due", "_types")

    def __init__(self, types: frozenset[str], due: int = 1) -> None:
        super().__init__(False)
        self._types = types
        self._due = due

    def wants(self, name: str, data: bytes) -> bool:
        if name and name != "message":
            return name in self._types
        return any(kind.encode() in data for kind in self._types)

    def goes_on(self, names: Sequence[str], data: bytes) -> bool:
        # Those without a name say in their data what they are.
        unnamed = "" in names or "message" in names
        # A name of whatever kind may stand before `[DONE]`, too.
        return not unnamed and self._types.isdisjoint(names) and b"[DONE]" not in data

    # `Any`: as above.
    def observe(self, event: Any) -> bool:
        try:
            kind = event.type
        except AttributeError:
            kind = _read(event, "type")
        if isinstance(kind, str) and kind in self._types:
            usage = _read(event, "usage")
            if usage is None:
                usage = _read(_read(event, "response"), "usage")
            if usage is not None:
                self.usages.append(usage)
            self._due -= 1
            self.complete = self._due <= 0
            return self.complete
        return False

    @property
    def expected(self) -> str:
        times = f" ({self._due} more)" if self._due > 1 else ""
        return f"{' or '.join(sorted(self._types))}{times}"


class _Run(Ending):
    """Assistants runs: the run's terminal event (the `done` event, whose data is `[DONE]`, follows it)."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(False)

    def wants(self, name: str, data: bytes) -> bool:
        return name == "done" or name in _RUN_ENDS

    def goes_on(self, names: Sequence[str], data: bytes) -> bool:
        return "" not in names and "done" not in names and _RUN_ENDS.isdisjoint(names)

    # `Any`: as above.
    def observe(self, event: Any) -> bool:
        try:
            name = event.event
        except AttributeError:
            name = _read(event, "event")
        if not isinstance(name, str):
            return False
        if name == "done":
            self.complete = True
            return True
        if name in _RUN_ENDS:
            self.complete = True
            usage = _read(_read(event, "data"), "usage")
            if usage is not None:
                self.usages[:] = (usage,)
        return False

    @property
    def expected(self) -> str:
        return "the run's terminal event"


class _Session(Ending):
    """Agent sessions: open-ended, so a stream may end wherever the session rests."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(False)

    def wants(self, name: str, data: bytes) -> bool:
        return True

    def observe(self, event: object) -> bool:
        kind = _read(event, "type")
        if not isinstance(kind, str):
            return False
        if kind.startswith("agent.session.turn."):
            usage = _read(event, "usage")
            if usage is not None:
                self.usages.append(usage)  # each turn's own
        if kind in _SESSION_RESTS:
            self.complete = True
        elif kind.startswith(_SESSION_WORKS):
            self.complete = False
        return False

    @property
    def expected(self) -> str:
        return "an event that says the session is idle, failed, or waiting for an action"


_GOES_ON: Final = re.compile(rb'"finish_reason"\s*:\s*null').search

# `error` is the Responses API's own event of that name: it ends the stream and is not an exception.
_RESPONSE_ENDS: Final = frozenset(
    {"response.completed", "response.failed", "response.incomplete", "response.cancelled", "error"}
)
_IMAGE_ENDS: Final = frozenset({"image_generation.completed", "image_edit.completed"})
_SPEECH_ENDS: Final = frozenset({"speech.audio.done"})
_TRANSCRIPT_ENDS: Final = frozenset({"transcript.text.done"})
_RUN_ENDS: Final = frozenset(
    {
        "thread.run.cancelled",
        "thread.run.completed",
        "thread.run.expired",
        "thread.run.failed",
        "thread.run.incomplete",
        # The run waits for tool outputs, which begin a stream of their own.
        "thread.run.requires_action",
    }
)
_SESSION_RESTS: Final = frozenset(
    {
        "agent.session.environment.expired",
        "agent.session.failed",
        "agent.session.idle",
        "agent.session.requires_action",
    }
)
_SESSION_WORKS: Final = ("agent.session.turn.", "agent.session.in_progress", "agent.output.")


def _chat(body: Mapping[str, object]) -> Ending:
    return _Choices(_choice_count(body), _wants_usage(body))


def _completion(body: Mapping[str, object]) -> Ending:
    # Every prompt of a list has choices of its own; a list of token numbers is one prompt.
    prompt = body.get("prompt")
    prompts = 1
    if isinstance(prompt, list | tuple) and prompt and not isinstance(prompt[0], int):
        prompts = len(cast("Sized", prompt))
    return _Choices(_choice_count(body) * prompts, _wants_usage(body))


_RULES: Final[dict[str, Callable[[Mapping[str, object]], Ending]]] = {
    "chat": _chat,
    "completion": _completion,
    "response": lambda body: _Types(_RESPONSE_ENDS),
    "run": lambda body: _Run(),
    "image": lambda body: _Types(_IMAGE_ENDS, _choice_count(body)),
    "speech": lambda body: _Types(_SPEECH_ENDS),
    "transcript": lambda body: _Types(_TRANSCRIPT_ENDS),
    "agent_session": lambda body: _Session(),
}


def ending_for(name: str | None, body: Mapping[str, object]) -> Ending:
    """Return a fresh watcher for one stream.

    Args:
        name: The rule, as `Operation.ending` names it; an unknown one, or None, takes any clean end.
        body: The request's body, which says how many choices and whether the usage are to come.
    """
    rule = _RULES.get(name) if name is not None else None
    return Ending() if rule is None else rule(body)


def _choice_count(body: Mapping[str, object]) -> int:
    count = body.get("n")
    # A server answers a wrong `n` with an error, so here it only must not break anything.
    return count if isinstance(count, int) and count >= 1 else 1


def _wants_usage(body: Mapping[str, object]) -> bool:
    return bool(_read(body.get("stream_options"), "include_usage"))


def _read(value: object, name: str) -> object:
    """Read a member of a Struct or of a mapping; None when there is none."""
    if isinstance(value, Mapping):
        return cast("Mapping[str, object]", value).get(name)
    return getattr(value, name, None)
