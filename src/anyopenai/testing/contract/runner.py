"""`check_transport`: runs every check against a transport and says what is broken; the checks themselves are elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final, NamedTuple, cast

from anyio import CancelScope, current_time

from ...transport.base import Transport, WireRequest, WireResponse
from . import answers, failures, lives, requests
from .bench import CHECKS, Bench, BrokenError, Check, SkippedError

__all__ = ("BrokenTransportError", "TransportReport", "check_transport")

# In the order they are made: importing them registers them.
_MODULES: Final = (answers, requests, failures, lives)

# A whole check takes tens of milliseconds with the package's own pool; one that hangs takes for ever.
PATIENCE: Final = 15.0


class TransportReport(NamedTuple):
    """What `check_transport` found.

    Attributes:
        passed: Names of the checks that passed.
        skipped: Names of those that were not made, with the reason.
        broken: Names of those that failed, with what the transport must do and what it did.
    """

    passed: tuple[str, ...]
    skipped: dict[str, str]
    broken: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{len(self.passed)} checks passed, {len(self.broken)} failed, {len(self.skipped)} were skipped"]
        lines += [f"  FAILED {name}: {text}" for name, text in self.broken.items()]
        lines += [f"  skipped {name}: {text}" for name, text in self.skipped.items()]
        return "\n".join(lines)


class BrokenTransportError(AssertionError):
    """A transport does not do what `anyopenai.Transport` says; the message lists what.

    Attributes:
        report: Every finding.
    """

    def __init__(self, report: TransportReport) -> None:
        super().__init__(str(report))
        self.report = report


async def check_transport(
    transport: Transport | Callable[[], Transport],
    *,
    limited: Callable[[], Transport] | None = None,
    only: Collection[str] | None = None,
    skip: Collection[str] = (),
    patience: float = PATIENCE,
) -> TransportReport:
    """Prove that a transport does what `anyopenai.Transport` says, against servers of its own on 127.0.0.1.

    ::

        async def test_my_transport():
            await check_transport(MyTransport, limited=lambda: MyTransport(max_connections=1))

    The checks cover heads, bodies of every framing both ways, content codings, broken servers, time limits, how much is
    said to have been sent, early ends, cancellation at every suspension of an exchange, concurrency and closing. They
    speak HTTP/1.1 on clear text. Cancelling ends the check that is being made and the servers with it.

    Args:
        transport: A function that makes a transport, called for each check; or one transport, which is then used for all
            of them and not closed, so what closing does is not checked.
        limited: Makes a transport that opens one connection at a time: with it, a connection that is not given back is
            noticed at once. Checks that cannot do without are skipped if it is missing.
        only: Names of the checks to make; all of them by default.
        skip: Names of checks to leave out.
        patience: Seconds after which a check counts as hanging.

    Returns:
        What was checked.

    Raises:
        BrokenTransportError: At least one check failed.
        ValueError: A name in `only` or `skip` is no check's.
    """
    names = [item.name for item in CHECKS]
    unknown = sorted({*(only or ()), *skip} - set(names))
    if unknown:
        raise ValueError(f"no such checks: {', '.join(unknown)}; there are {', '.join(names)}")
    if not isinstance(transport, type) and callable(getattr(transport, "send", None)):
        kept = _Kept(cast("Transport", transport))
        bench = Bench(lambda: kept, limited, kept=True)
        skip = {*skip, *_CLOSING}
    else:
        bench = Bench(cast("Callable[[], Transport]", transport), limited)
    passed: list[str] = []
    skipped = {name: "it was left out" for name in names if name in skip or (only is not None and name not in only)}
    broken: dict[str, str] = {}
    for item in _chosen(skipped):
        try:
            with CancelScope(deadline=current_time() + patience) as scope:
                await item.run(bench)
            if scope.cancelled_caught:
                raise BrokenError(f"it did not end within {patience:g} s")
        except SkippedError as reason:
            skipped[item.name] = str(reason)
        except BrokenError as finding:
            broken[item.name] = f"{item.claim} But: {finding}"
        except Exception as error:
            broken[item.name] = f"{item.claim} But: {type(error).__name__}: {error}"
        else:
            passed.append(item.name)
    report = TransportReport(tuple(passed), skipped, broken)
    if broken:
        raise BrokenTransportError(report)
    return report


_CLOSING: Final = frozenset({"closing_the_transport"})


def _chosen(left_out: Collection[str]) -> Iterable[Check]:
    return [item for item in CHECKS if item.name not in left_out]


class _Kept:
    """A transport that stays open from one check to the next."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def send(self, request: WireRequest) -> WireResponse:
        return await self._transport.send(request)

    async def aclose(self) -> None:
        return None
