"""`ResponsesRunnerTurn`: one turn of an iterated run, seen before its calls are made; making them is done elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..types.responses.response import Response
    from ..types.responses.response_input_item_param import FunctionCallOutput

__all__ = ("ResponsesRunnerTurn",)


class ResponsesRunnerTurn:
    """What a model answered, before its calls are made; going on with the iteration makes them.

    Changing the response changes nothing of what is called and sent.
    """

    __slots__ = ("_append", "_attempted", "_completed", "_executed", "_final", "_response", "_step", "_supply")

    def __init__(
        self,
        response: Response,
        *,
        step: int,
        final: bool,
        tools_executed: bool,
        attempted: Sequence[str],
        completed: Sequence[str],
        supply: Callable[[Sequence[FunctionCallOutput]], None],
        append: Callable[[str], None],
    ) -> None:
        self._response = response
        self._step = step
        self._final = final
        self._executed = tools_executed
        self._attempted = tuple(attempted)
        self._completed = tuple(completed)
        self._supply = supply
        self._append = append

    @property
    def response(self) -> Response:
        """The model's answer."""
        return self._response

    @property
    def step(self) -> int:
        """Which request of the run it answers, from 1."""
        return self._step

    @property
    def final(self) -> bool:
        """Whether it is the last turn: a message, and nothing to be called."""
        return self._final

    @property
    def tools_executed(self) -> bool:
        """Whether calls of this turn were made already, as eager runs do."""
        return self._executed

    @property
    def attempted_call_ids(self) -> tuple[str, ...]:
        """The calls of the run that were begun before this turn was handed out."""
        return self._attempted

    @property
    def completed_call_ids(self) -> tuple[str, ...]:
        """Those of them whose output exists."""
        return self._completed

    def supply_outputs(self, outputs: Sequence[FunctionCallOutput]) -> None:
        """Stand in for functions: these outputs are sent, and the functions are not called.

        A second call replaces what the first gave; nothing is taken from a call that raises.

        Args:
            outputs: `{"type": "function_call_output", "call_id": ..., "output": ...}`, each for a call of this turn whose
                function was registered with `allow_output_override=True` and has not been called.

        Raises:
            ValueError: One of them cannot be used, or the iteration has gone on.
        """
        self._supply(outputs)

    def append_user_text(self, text: str) -> None:
        """Say something as the user, after the outputs of this turn's calls.

        Raises:
            ValueError: The text is empty, the turn is the last one, or the iteration has gone on.
        """
        self._append(text)

    def __repr__(self) -> str:
        return f"<ResponsesRunnerTurn {self._step}{', final' if self._final else ''}: {self._response.id}>"
