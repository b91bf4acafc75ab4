"""What calls cost: `Usage` in one shape for all endpoints, and the ledger that sums it by tag; no prices and no I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, cast

from msgspec import MsgspecError, Struct, json

__all__ = ("Usage", "UsageLedger", "counts_usage", "usage_from", "usage_in", "usage_of")


class Usage(Struct, frozen=True, kw_only=True):
    """What one call cost, or several together: `a + b` adds them up.

    The names are those of the Responses API; a chat's prompt tokens are its input, its completion tokens its output.

    Attributes:
        calls: How many calls this is the cost of.
        unreported: How many of them never said what they cost, such as streams that were left early or broke off.
        input_tokens: Tokens read, the cached ones among them.
        cached_tokens: Tokens read that were in the server's cache.
        output_tokens: Tokens written, those of reasoning among them.
        reasoning_tokens: Tokens written to reason.
        total_tokens: Input and output.
        seconds: Length of the sound, for transcriptions that are paid by time.
    """

    calls: int = 0
    unreported: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    total_tokens: int = 0
    seconds: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            unreported=self.unreported + other.unreported,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            total_tokens=self.total_tokens + other.total_tokens,
            seconds=self.seconds + other.seconds,
        )


_NOTHING: Final = Usage()
_UNREPORTED: Final = Usage(calls=1, unreported=1)

# Calls that send back an object whose cost was counted when it was made.
_NO_COST: Final = frozenset({"cancel", "update", "modify"})


def counts_usage(verb: str, name: str) -> bool:
    """Tell whether a call makes something anew, so that the usage in its answer is its own.

    Args:
        verb: The HTTP verb.
        name: The operation's dotted name.
    """
    namespace, _, method = name.rpartition(".")
    return verb == "POST" and method not in _NO_COST and namespace != "batches"


def usage_from(*reported: object) -> Usage:
    """Read usage objects of one call, in any endpoint's shape; without any the call counts as unreported.

    Never raises: what is no number counts as zero.

    Args:
        reported: Structs or mappings as the server sent them.
    """
    total = _NOTHING
    known = False
    for usage in reported:
        if usage is None:
            continue
        known = True
        read, written = (
            _number(usage, "input_tokens", "prompt_tokens"),
            _number(usage, "output_tokens", "completion_tokens"),
        )
        inner = _read(usage, "input_tokens_details", "prompt_tokens_details", "input_token_details")
        outer = _read(usage, "output_tokens_details", "completion_tokens_details")
        total += Usage(
            input_tokens=read,
            cached_tokens=_number(inner, "cached_tokens"),
            output_tokens=written,
            reasoning_tokens=_number(outer, "reasoning_tokens"),
            total_tokens=_number(usage, "total_tokens") or read + written,
            seconds=_seconds(usage),
        )
    return total + Usage(calls=1) if known else _UNREPORTED


def usage_of(answer: object) -> Usage | None:
    """Return what a decoded answer says it cost; None where it does not say."""
    usage = _read(answer, "usage")
    return None if usage is None else usage_from(usage)


class _Cost(Struct):
    usage: object = None


def usage_in(content: bytes) -> Usage | None:
    """Return what a JSON document says it cost; the rest of it is skipped, not decoded. None where it does not say."""
    try:
        return usage_of(json.decode(content, type=_Cost))
    except MsgspecError:
        return None


class UsageLedger:
    """Sums what calls cost, by tag; a client takes it, or one tag of it, as `usage=`.

    ::

        ledger = UsageLedger()
        client = OpenAI(usage=ledger)
        search = client.with_options(usage=ledger.tag("search"))
        ...
        print(ledger.total, ledger["search"])

    Each event loop that runs in a thread of its own needs a ledger of its own; `ledger.add(other)` merges them.
    """

    __slots__ = ("_by_tag",)

    def __init__(self) -> None:
        self._by_tag: dict[str | None, Usage] = {}

    def __call__(self, usage: Usage) -> None:
        """Count the cost of calls that have no tag."""
        self._count(None, usage)

    def tag(self, tag: str) -> Callable[[Usage], None]:
        """Return what counts for a tag: the `usage=` of a client's view."""
        return lambda usage: self._count(tag, usage)

    def add(self, cost: object, tag: str | None = None) -> None:
        """Count a cost by hand.

        Args:
            cost: A `Usage`, another ledger (whose tags stay), an answer that has a `usage`, or such a usage itself.
            tag: For whom.
        """
        if isinstance(cost, UsageLedger):
            for other, usage in cost._by_tag.items():
                self._count(tag if other is None else other, usage)
        elif isinstance(cost, Usage):
            self._count(tag, cost)
        else:
            found = usage_of(cost)
            self._count(tag, usage_from(cost) if found is None else found)

    @property
    def total(self) -> Usage:
        """The cost of all calls, tagged or not."""
        return _sum(self._by_tag.values())

    def __getitem__(self, tag: str | None) -> Usage:
        """Return the cost of one tag's calls, None for those without; nothing for a tag that never called."""
        return self._by_tag.get(tag, _NOTHING)

    def __iter__(self) -> Iterator[str | None]:
        """Iterate over the tags that have called, in the order of their first calls."""
        return iter(tuple(self._by_tag))

    def __len__(self) -> int:
        return len(self._by_tag)

    def __repr__(self) -> str:
        return f"<UsageLedger {self._by_tag!r}>"

    def _count(self, tag: str | None, usage: Usage) -> None:
        self._by_tag[tag] = self._by_tag.get(tag, _NOTHING) + usage


def _sum(usages: Iterable[Usage]) -> Usage:
    total = _NOTHING
    for usage in usages:
        total += usage
    return total


def _number(value: object, *names: str) -> int:
    """Read a whole number, zero where there is none; numbers below zero are none."""
    found = _read(value, *names)
    return max(found, 0) if isinstance(found, int) and not isinstance(found, bool) else 0


def _seconds(value: object) -> float:
    found = _read(value, "seconds")
    return float(found) if isinstance(found, int | float) and 0 <= found < 1e12 else 0.0


def _read(value: object, *names: str) -> object:
    """Read the first of some members that a Struct or a mapping has; None without one."""
    for name in names:
        found = (
            cast("Mapping[str, object]", value).get(name) if isinstance(value, Mapping) else getattr(value, name, None)
        )
        if found is not None:
            return found
    return None
