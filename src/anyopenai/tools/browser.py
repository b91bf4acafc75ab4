"""`AsyncBrowserToolset`: which browser tools a model has, and who answers for them; what happens in a call is in `browser_call`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, cast, overload

from ..types.responses.response_function_tool_call import ResponseFunctionToolCall
from .browser_call import BrowserCall, Confirm, UrlPolicy, output_of
from .browser_drivers import AsyncBrowserDriver
from .browser_members import BROWSER_MEMBERS, DEFAULT_BROWSER_MEMBERS, MEMBERS, PREFIX
from .browser_state import BrowserConfirmContext, BrowserError, BrowserReadConfirmContext
from .callbacks import Cancelled, method_of
from .diagnostics import ToolDiagnosticObserver, emit_tool_diagnostic
from .lifecycle import CloseStatus, ToolLifecycle

if TYPE_CHECKING:
    from ..types.responses.function_tool_param import FunctionToolParam
    from ..types.responses.response_input_item_param import FunctionCallOutput

__all__ = ("AsyncBrowserToolset", "BrowserToolset")


class AsyncBrowserToolset:
    """Does what a model asks of a browser, by a driver that the application wrote: pass `tools`, `execute` each call.

    Nothing is opened here and nothing closed: the driver belongs to the application, also after an error or a
    cancellation. One call at a time: a second one that begins while the first goes on is refused.

    Members that change something need `confirm`, those that open URLs `url_policy` as well; only the answer `True`
    itself approves. Both are shown copies. What the model is told are the driver's results, the open tabs with the
    scheme and the host of their URLs, and the texts of `BrowserError`: those of other exceptions are not.

    Args:
        driver: What acts on the browser.
        members: The tools that the model has; without it, those of `DEFAULT_BROWSER_MEMBERS` that the driver has.
        additional_members: Tools beside those of the default.
        confirm_reads: Reading members that are confirmed too, before anything is read.
        confirm: Asked before each action that changes something.
        url_policy: Asked before `confirm` about each URL that is to be opened.

    Raises:
        ValueError: A member is not known, not in the driver, named twice, or lacks the policy that it needs.
    """

    __slots__ = ("_confirm", "_confirm_reads", "_lifecycle", "_members", "_methods", "_url_policy", "driver")

    @overload
    def __init__(
        self,
        driver: AsyncBrowserDriver,
        *,
        members: Sequence[str] | None = None,
        additional_members: Sequence[str] | None = None,
        confirm_reads: None = None,
        confirm: Callable[[BrowserConfirmContext], Awaitable[bool]] | None = None,
        url_policy: UrlPolicy | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        driver: AsyncBrowserDriver,
        *,
        members: Sequence[str] | None = None,
        additional_members: Sequence[str] | None = None,
        confirm_reads: Sequence[str] | None = None,
        confirm: Callable[[BrowserConfirmContext | BrowserReadConfirmContext], Awaitable[bool]] | None = None,
        url_policy: UrlPolicy | None = None,
    ) -> None: ...
    def __init__(
        self,
        driver: AsyncBrowserDriver,
        *,
        members: Sequence[str] | None = None,
        additional_members: Sequence[str] | None = None,
        confirm_reads: Sequence[str] | None = None,
        confirm: Callable[[BrowserConfirmContext], Awaitable[bool]]
        | Callable[[BrowserConfirmContext | BrowserReadConfirmContext], Awaitable[bool]]
        | None = None,
        url_policy: UrlPolicy | None = None,
    ) -> None:
        self.driver: AsyncBrowserDriver = driver
        self._lifecycle: ToolLifecycle = ToolLifecycle("Browser toolset")
        self._methods: Mapping[str, Callable[..., Awaitable[object]]] = {
            name: method for name in ("state", *BROWSER_MEMBERS) if (method := method_of(driver, name)) is not None
        }
        if "state" not in self._methods:
            raise ValueError(f"Browser toolset requires a driver with state(); {type(driver).__name__} has none")
        self._members: tuple[str, ...] = self._selected(members, additional_members)
        reading = [name for name in self._members if not MEMBERS[name].changes]
        self._confirm_reads: frozenset[str] = frozenset(
            _names(confirm_reads or (), reading, "confirm_reads must name selected members that read")
        )
        for name, policy in (("confirm", confirm), ("url_policy", url_policy)):
            if policy is not None and not callable(policy):
                raise ValueError(f"{name} must be an asynchronous function, not {type(policy).__name__}")
        self._check_policies(confirm is not None, url_policy is not None)
        # Who confirms actions only is never asked about a read: that needs confirm_reads.
        self._confirm: Confirm | None = cast("Confirm | None", confirm)
        self._url_policy: UrlPolicy | None = url_policy

    @property
    def members(self) -> tuple[str, ...]:
        """The names of the tools that the model has, without the prefix `browser_`."""
        return self._members

    @property
    def tools(self) -> list[FunctionToolParam]:
        """The tools as `client.responses.create(tools=...)` takes them: functions in strict mode, a new list each time."""
        return [MEMBERS[name].declaration() for name in self._members]

    def close(self) -> CloseStatus:
        """Refuse calls from now on; one that goes on ends as it would have. The driver is left alone."""
        return self._lifecycle.close()

    async def execute(
        self,
        call: ResponseFunctionToolCall,
        *,
        cancelled: Cancelled | None = None,
        on_diagnostic: ToolDiagnosticObserver | None = None,
    ) -> FunctionCallOutput:
        """Do what one call asks for, and return what to send back; refusals and failures are told to the model.

        The driver's `state` is asked first, then `url_policy` and `confirm` where they are needed, then the driver's
        method, then `state` again. Cancelling ends the policy or the method that goes on; what was done stays done.

        Args:
            call: A complete call out of a response.
            cancelled: Asked before and after each step; true ends the call.
            on_diagnostic: Told what was done, without arguments and results.

        Returns:
            The item of input that answers the call: JSON with `ok`, `state` and `result` or `error`, perhaps a picture.

        Raises:
            BrowserCancelledError: `cancelled` or the driver said so.
            BrowserError: The tool exists, but is not one of this toolset's.
            BrowserReportError: The driver reported something that cannot be sent to a model.
            TypeError: A policy or a method of the driver is a plain function.
            RuntimeError: The toolset is busy or closed.
        """
        if not isinstance(call, ResponseFunctionToolCall):
            raise TypeError(f"execute() takes a ResponseFunctionToolCall out of a response, not {type(call).__name__}")
        with self._lifecycle.run():
            # An answer is read leniently: the name may be absent, or no text at all.
            tool = str(call.name)
            name = tool.removeprefix(PREFIX)
            member = MEMBERS.get(name) if tool.startswith(PREFIX) else None
            if member is None or call.status in ("in_progress", "incomplete"):
                emit_tool_diagnostic(
                    on_diagnostic, "browser", "arguments", "invalid_input", monotonic(), call_id=call.call_id
                )
                error = "This browser tool is not available, or its call is not complete."
                return output_of(call.call_id, ok=False, error=error)
            if name not in self._members:
                raise BrowserError(f"Browser tool is disabled: {tool} was not declared by this toolset")
            running = BrowserCall(
                self._methods, member, call.call_id, self._confirm, self._url_policy, cancelled, on_diagnostic
            )
            return await running.output(call.arguments, confirm_read=name in self._confirm_reads)

    def _selected(self, members: Sequence[str] | None, additional: Sequence[str] | None) -> tuple[str, ...]:
        """Choose the tools, in the order of the table.

        Raises:
            ValueError: They cannot be chosen like that.
        """
        # What the toolset does itself, out of `state`, needs no method.
        offered = {*self._methods, "list_tabs"}
        if members is not None and additional is not None:
            raise ValueError("Use either members or additional_members, not both.")
        asked = _names(
            (members if members is not None else additional) or (),
            BROWSER_MEMBERS,
            "Browser members must be a sequence of unique fixed member names",
        )
        missing = sorted(asked - offered)
        if missing:
            raise ValueError(
                f"A selected browser member is not implemented by the driver: {type(self.driver).__name__} has no "
                f"{', '.join(missing)}"
            )
        chosen = asked if members is not None else asked | (offered & set(DEFAULT_BROWSER_MEMBERS))
        return tuple(name for name in BROWSER_MEMBERS if name in chosen)

    def _check_policies(self, confirms: bool, permits: bool) -> None:
        changing = [name for name in self._members if MEMBERS[name].changes]
        if changing and not confirms:
            raise ValueError(
                f"State-changing browser members require confirm: pass it, or members= without {', '.join(changing)}"
            )
        opening = [name for name in self._members if MEMBERS[name].navigates]
        if opening and not permits:
            raise ValueError(
                f"Browser navigation members require url_policy: pass it, or members= without {', '.join(opening)}"
            )
        if self._confirm_reads and not confirms:
            raise ValueError("confirm_reads requires confirm, which is what is asked")


BrowserToolset = AsyncBrowserToolset


def _names(given: object, known: Collection[str], otherwise: str) -> set[str]:
    """Read a sequence of names.

    Raises:
        ValueError: It is none, or has a name twice or one that is not known.
    """
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ValueError(f"{otherwise}; they must be a list or a tuple")
    names = list(cast("Sequence[object]", given))
    wrong = [name for position, name in enumerate(names) if name not in known or name in names[:position]]
    if wrong:
        raise ValueError(f"{otherwise}; {wrong[0]!r} is none, or stands there twice")
    return set(cast("list[str]", names))
