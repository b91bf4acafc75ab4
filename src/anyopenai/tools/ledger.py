"""`AsyncResponsesToolLedger`: where a run writes down what it does, and how it goes on from there; saving is the user's part."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict, cast

from .registered import checked_output
from .runner_items import Item, call_id_of, check_answered, plain

if TYPE_CHECKING:
    from ..types.responses.response_input_item_param import FunctionCallOutput
    from ..types.responses.response_input_param import ResponseInputParam
    from ..types.responses.tool_param import ToolParam
else:
    FunctionCallOutput = Mapping[str, object]
    ResponseInputParam = list[Mapping[str, object]]
    ToolParam = Mapping[str, object]

__all__ = (
    "AsyncResponsesToolLedger",
    "ResponsesToolCheckpoint",
    "ResponsesToolLedger",
    "check_checkpoint",
    "settled_checkpoint",
)

_HOW: Final = "give the checkpoint that was saved last, as it was saved"


class ResponsesToolCheckpoint(TypedDict):
    """All that a run needs to go on from where it was; as private as the conversation in it.

    Declarations of MCP servers are saved without `authorization` and `headers`, and their URL as its SHA-256; going on
    uses those of the new run's params.

    Attributes:
        version: 1.
        run_id: The run's name.
        revision: Which checkpoint of the run it is, from 1.
        phase: `"boundary"`: every call has its output; `"pending"`: a request with tools on the server's side, or calls of a
            turn, are on their way; `"final"`: the run is over.
        max_steps: The run's limit of requests.
        consumed_requests: How many of them were made.
        tools: What the model is told that it may call.
        output_override_names: Functions that `supply_outputs` may stand in for.
        history: What was said before this turn.
        attempted_call_ids: The calls of the run that were begun, in order.
        returned_call_ids: Those whose output exists.
        pending_items: What the model said in this turn, as far as it is known.
        returned_outputs: Outputs of this turn's calls.
        final_response: How the run ended, in phase `"final"`.
        inspected: In phase `"pending"`: `pending_items` are the whole turn, and all of it was found fit to be called.
    """

    version: Literal[1]
    run_id: str
    revision: int
    phase: Literal["boundary", "pending", "final"]
    max_steps: int
    consumed_requests: int
    tools: list[ToolParam]
    output_override_names: list[str]
    history: ResponseInputParam
    attempted_call_ids: list[str]
    returned_call_ids: list[str]
    pending_items: list[dict[str, object]]
    returned_outputs: list[dict[str, object]]
    final_response: NotRequired[dict[str, object] | None]
    inspected: NotRequired[bool]


@dataclass
class AsyncResponsesToolLedger:
    """Where a run writes down each step before and after it takes it, so that a new process can go on.

    A call is saved as attempted before it is made and as returned after; what a checkpoint says was attempted is never
    made again. Each checkpoint is whole, which makes a long run's ledger quadratic in its history: keep the last one.

    Attributes:
        run_id: The run's name, which a checkpoint must have to be gone on from.
        save: Writes a checkpoint down and returns when it is safe; async, or plain and called in a worker thread. What it
            raises ends the run. Another process must not save for the same run.
        resume_from: The checkpoint that was saved last, to go on from.
    """

    run_id: str
    save: Callable[[ResponsesToolCheckpoint], Awaitable[None]] | Callable[[ResponsesToolCheckpoint], None]
    resume_from: ResponsesToolCheckpoint | None = None


ResponsesToolLedger = AsyncResponsesToolLedger


def settled_checkpoint(
    checkpoint: ResponsesToolCheckpoint, outputs: Sequence[FunctionCallOutput]
) -> ResponsesToolCheckpoint:
    """Return a checkpoint in which calls that were begun and did not return have the outputs that you found out.

    A run that was killed while it called a function cannot know whether the function had its effect. Look where the effect
    would be, say what the call came to, and go on from the result.

    Args:
        checkpoint: One of phase `"pending"`.
        outputs: What calls came to, each that was attempted and not returned.

    Raises:
        ValueError: The checkpoint waits for no such output, or an output cannot be used.
    """
    waiting = [one for one in checkpoint["attempted_call_ids"] if one not in checkpoint["returned_call_ids"]]
    returned = list(checkpoint["returned_call_ids"])
    settled = list(checkpoint["returned_outputs"])
    for given in outputs:
        members = cast("Mapping[str, object]", given)
        call_id = members.get("call_id")
        if members.get("type") != "function_call_output" or not isinstance(call_id, str) or call_id not in waiting:
            raise ValueError(
                f"the checkpoint does not wait for an output of {call_id!r}; it waits for: {', '.join(waiting) or 'none'}"
            )
        waiting.remove(call_id)
        returned.append(call_id)
        settled.append(
            {"type": "function_call_output", "call_id": call_id, "output": checked_output(members.get("output"))}
        )
    copied = cast("ResponsesToolCheckpoint", plain(checkpoint))
    copied["returned_call_ids"] = returned
    copied["returned_outputs"] = settled
    return copied


def check_checkpoint(
    given: object, *, run_id: str, tools: list[Item], overrides: list[str], max_steps: int | None
) -> ResponsesToolCheckpoint:
    """Return a checkpoint that a run may go on from, detached from what was given.

    Args:
        given: What the user has.
        run_id: The run's name.
        tools: What the model may call in this run, as checkpoints have it.
        overrides: Functions that `supply_outputs` may stand in for.
        max_steps: The limit that the user gave; None for the checkpoint's own.

    Raises:
        ValueError: It is none of this run, is not whole, or waits for something that only the user can find out.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"resume_from is {type(given).__name__}; {_HOW}")
    found = cast("dict[str, Any]", plain(cast("Mapping[str, object]", given)))
    _check_members(found)
    for name, expected in (("version", 1), ("run_id", run_id), ("tools", tools), ("output_override_names", overrides)):
        if found[name] != expected:
            raise ValueError(
                f"the checkpoint has another {name} than this run; {_HOW}, with the same runner and params"
            )
    if max_steps is not None and found["max_steps"] != max_steps:
        raise ValueError(f"the checkpoint has max_steps={found['max_steps']}, this run {max_steps}; leave it out")
    if found["revision"] < 1 or not 0 <= found["consumed_requests"] <= found["max_steps"]:
        raise ValueError(f"the checkpoint's numbers cannot be those of a run; {_HOW}")
    attempted, returned = found["attempted_call_ids"], found["returned_call_ids"]
    if len(set(attempted)) < len(attempted) or set(returned) - set(attempted) or len(set(returned)) < len(returned):
        raise ValueError(f"the checkpoint's call ids cannot be those of a run; {_HOW}")
    _check_phase(found)
    return cast("ResponsesToolCheckpoint", found)


_KINDS: Final[Mapping[str, type]] = {
    "version": int,
    "run_id": str,
    "revision": int,
    "phase": str,
    "max_steps": int,
    "consumed_requests": int,
    "tools": list,
    "output_override_names": list,
    "history": list,
    "attempted_call_ids": list,
    "returned_call_ids": list,
    "pending_items": list,
    "returned_outputs": list,
}
_ITEMS: Final = ("history", "pending_items", "returned_outputs", "tools")
_IDS: Final = ("attempted_call_ids", "returned_call_ids", "output_override_names")


def _check_members(found: dict[str, Any]) -> None:
    wrong = [name for name, kind in _KINDS.items() if type(found.get(name)) is not kind]
    wrong += [name for name in _ITEMS if name not in wrong and not all(isinstance(one, dict) for one in found[name])]
    wrong += [name for name in _IDS if name not in wrong and not all(isinstance(one, str) for one in found[name])]
    wrong += sorted(found.keys() - _KINDS.keys() - {"final_response", "inspected"})
    if wrong:
        raise ValueError(f"the checkpoint is not whole, or was changed ({', '.join(wrong)}); {_HOW}")


def _check_phase(found: dict[str, Any]) -> None:
    """Refuse a phase that a run cannot go on from, and members that do not belong to the phase.

    Raises:
        ValueError: What it is, and what to do.
    """
    phase, final = found["phase"], found.get("final_response")
    check_answered(found["history"])
    made = {call_id_of(item) for item in found["history"]}
    open_calls = [one for one in found["attempted_call_ids"] if one not in found["returned_call_ids"]]
    if (phase == "final") != (final is not None):
        raise ValueError(f"the checkpoint's final_response does not belong to its phase, {phase!r}; {_HOW}")
    if phase == "pending":
        if open_calls:
            raise ValueError(
                f"the run ended while calls were on their way: {', '.join(open_calls)}. Find out what they came to, and go "
                "on from settled_checkpoint(checkpoint, outputs)"
            )
        if found.get("inspected") is not True:
            raise ValueError(
                "the run ended while a model with tools on the server's side, or with eager calls, was answering; what it "
                "did is not known. Look at history and attempted_call_ids, and begin a new run"
            )
        made |= {call_id_of(item) for item in found["pending_items"]}
    elif phase not in ("boundary", "final"):
        raise ValueError(f"the checkpoint has the unknown phase {phase!r}; {_HOW}")
    elif found["pending_items"] or found["returned_outputs"] or open_calls or "inspected" in found:
        raise ValueError(f"the checkpoint of phase {phase!r} has members of a turn on its way; {_HOW}")
    strays = [one for one in found["attempted_call_ids"] if one not in made]
    if strays:
        raise ValueError(f"the checkpoint's history lacks calls that were attempted: {', '.join(strays)}; {_HOW}")
