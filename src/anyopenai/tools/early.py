"""`EarlyExecution`: which calls an eager run makes while an answer still streams; making them is done elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, cast

from .invocation import call_user
from .proposals import Proposal

if TYPE_CHECKING:
    from .runner_record import RunRecord

__all__ = ("EarlyCalls", "EarlyExecution", "check_early")


class EarlyExecution(TypedDict, total=False):
    """Which tools an eager run may call while the answer still streams, before all of it was inspected.

    The first call of another tool holds back everything after it until the turn is complete.

    Attributes:
        functions: Names of functions.
        computer: Whether the computer may be used.
    """

    functions: list[str]
    computer: bool


def check_early(early: EarlyExecution | None, names: Sequence[str], *, computer: bool) -> None:
    """Refuse a choice that names what there is not.

    Raises:
        ValueError: What is wrong.
    """
    if early is None:
        return
    given = cast("Mapping[str, object]", early)
    unknown = sorted(given.keys() - {"functions", "computer"})
    if unknown:
        raise ValueError(f"early_execution has unknown members: {', '.join(unknown)}")
    functions = cast("list[object]", given.get("functions", []))
    if len(set(functions)) < len(functions) or any(name not in names for name in functions):
        raise ValueError(f"functions of early_execution are registered ones, each once, not {functions}")
    if not isinstance(given.get("computer", False), bool) or (given.get("computer") is True and not computer):
        raise ValueError("computer of early_execution is True or False, and True needs the runner to have a computer")


class EarlyCalls:
    """Decides which calls are made while the answer streams; once one is held back, all after it are.

    Args:
        record: The run.
        early: Which tools may; None for all.
        before: Asked before each.
        has_server_tools: Whether tools are called on the server's side: then none is called here before the whole answer
            is known, since something that a server did may make all of it unfit.
    """

    def __init__(
        self,
        record: RunRecord,
        early: EarlyExecution | None,
        before: Callable[..., Any] | None,
        *,
        has_server_tools: bool,
    ) -> None:
        self._record = record
        self._early = early
        self._before = before
        self._open = not has_server_tools

    async def allows(self, proposal: Proposal) -> bool:
        """Tell whether a call may be made now.

        Raises:
            ToolRunnerError: `before_early_call` says neither yes nor no.
        """
        self._open = self._open and self._is_selected(proposal)
        if self._open and self._before is not None:
            said: object = await call_user(self._before, proposal.item.model_copy(deep=True))
            if said not in ("execute", "defer"):
                raise self._record.evidence.error('before_early_call() returns "execute" or "defer"')
            self._open = said == "execute"
        return self._open

    def _is_selected(self, proposal: Proposal) -> bool:
        if self._early is None:
            return True
        if proposal.kind == "computer":
            return self._early.get("computer", False)
        return proposal.name in self._early.get("functions", [])
