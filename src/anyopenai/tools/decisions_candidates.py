"""What a decisions runner chooses from and looks at: candidates and observations, checked and detached from their maker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Required, TypeAlias, TypedDict, cast

from .._codec import decode_any, encode

if TYPE_CHECKING:
    from ..types.decision_input_image_param import DecisionInputImageParam
    from ..types.decision_input_text_param import DecisionInputTextParam

    DecisionObservation: TypeAlias = str | Iterable[DecisionInputTextParam | DecisionInputImageParam]
else:
    DecisionObservation = str | Iterable[Mapping[str, object]]

__all__ = (
    "MAX_CANDIDATES",
    "AsyncDecisionActionCandidate",
    "AsyncDecisionCandidate",
    "CheckedCandidate",
    "DecisionActionCandidate",
    "DecisionCandidate",
    "DecisionDoneCandidate",
    "DecisionObservation",
    "checked_candidates",
    "detached_observation",
)

MAX_CANDIDATES: Final = 255
"""Most choices of one question. Source: what openai-python 3.51.0 takes."""


class DecisionActionCandidate(TypedDict, total=False):
    """Something that can be done.

    Attributes:
        id: What it is called among the candidates; stands in results and errors.
        description: What the model is told about it.
        execute: Does it; async, or plain and called in a worker thread. What it returns is not looked at.
        done: False, or left out.
    """

    id: Required[str]
    description: Required[str]
    execute: Required[Callable[[], Awaitable[object]] | Callable[[], object]]
    done: Literal[False]


class DecisionDoneCandidate(TypedDict):
    """The choice that says that the task is complete; there is one among the candidates of each step.

    Attributes:
        id: What it is called among the candidates.
        description: What the model is told about it.
        done: True.
    """

    id: str
    description: str
    done: Literal[True]


AsyncDecisionActionCandidate = DecisionActionCandidate
DecisionCandidate: TypeAlias = DecisionActionCandidate | DecisionDoneCandidate
AsyncDecisionCandidate = DecisionCandidate


class CheckedCandidate:
    """A candidate as it was when it was handed over.

    Attributes:
        id: What it is called.
        description: What the model is told about it.
        execute: Does it; None for the one that says that the task is complete.
    """

    __slots__ = ("description", "execute", "id")

    def __init__(self, id: str, description: str, execute: Callable[[], object] | None) -> None:  # noqa: A002
        self.id: str = id
        self.description: str = description
        self.execute: Callable[[], object] | None = execute


def checked_candidates(given: object) -> dict[str, CheckedCandidate]:
    """Return candidates by their id, in order.

    Raises:
        ValueError: They are none that a model could choose from; the message says what is wrong with which.
    """
    if not isinstance(given, list):
        raise ValueError(f"candidates() gave {type(given).__name__}; give a list of candidates")
    listed = cast("list[object]", given)
    if len(listed) > MAX_CANDIDATES:
        raise ValueError(f"candidates() gave {len(listed)} candidates; one question takes at most {MAX_CANDIDATES}")
    found: dict[str, CheckedCandidate] = {}
    for number, one in enumerate(listed):
        candidate = _checked(one, f"candidates()[{number}]")
        if candidate.id in found:
            raise ValueError(f"candidates()[{number}] has the id {candidate.id!r} of another one; ids are unique")
        found[candidate.id] = candidate
    ends = sum(candidate.execute is None for candidate in found.values())
    if ends != 1:
        raise ValueError(f"candidates() gave {ends} candidates with done=True; give one that says the task is complete")
    return found


def _checked(one: object, where: str) -> CheckedCandidate:
    if not isinstance(one, Mapping):
        raise ValueError(f"{where} is {type(one).__name__}, not a dict")
    members = cast("Mapping[str, object]", one)
    for name in ("id", "description"):
        text = members.get(name)
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{where} has no {name}; give a text that is not blank")
    done = members.get("done", False)
    if not isinstance(done, bool):
        raise ValueError(f"{where} has done={done!r}; give True or False")
    unknown = sorted(members.keys() - {"id", "description", "execute", "done"})
    if unknown:
        raise ValueError(f"{where} has unknown members: {', '.join(unknown)}")
    execute = members.get("execute")
    if done and "execute" in members:
        raise ValueError(f"{where} says that the task is complete, and has something to execute; give one of the two")
    if not done and not callable(execute):
        raise ValueError(f"{where} has nothing to execute; give execute=, or done=True where the task is complete")
    execute = cast("Callable[[], object] | None", execute)
    return CheckedCandidate(str(members["id"]), str(members["description"]), None if done else execute)


def detached_observation(given: object) -> str | list[dict[str, object]]:
    """Return an observation as it is sent, which later changes of what was given do not change.

    Raises:
        ValueError: It is neither a text nor a list of texts and images.
        TypeError: Something in it has no form in JSON.
    """
    if isinstance(given, str):
        return given
    listed = _listed(given)
    if listed is None:
        raise ValueError(f"observe() gave {type(given).__name__}; give a text, or a list of texts and images")
    parts = cast("list[object]", decode_any(encode(listed)))
    for number, part in enumerate(parts):
        members = cast("dict[str, object]", part) if isinstance(part, dict) else {}
        needed = {"input_text": "text", "input_image": "image_url"}.get(str(members.get("type")))
        if needed is None or not isinstance(members.get(needed), str):
            raise ValueError(
                f"observe() gave a part [{number}] that is neither an input_text with a text nor an input_image with an "
                "image_url"
            )
    return cast("list[dict[str, object]]", parts)


def _listed(given: Any) -> list[object] | None:
    return (
        None
        if isinstance(given, bytes | Mapping) or not isinstance(given, Iterable)
        else list(cast("Iterable[object]", given))
    )
