"""What a browser toolset does with one call: the order of policies and driver, what the model is told, what ends it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from anyopenai.tools.browser import AsyncBrowserToolset
from anyopenai.tools.browser_members import BROWSER_MEMBERS, MEMBERS
from anyopenai.tools.browser_state import BrowserCancelledError, BrowserError, BrowserReportError
from anyopenai.tools.diagnostics import ToolDiagnostic
from anyopenai.tools.lifecycle import ToolsetBusyError, ToolsetClosedError
from tools.browsers import ARGUMENTS, IMAGE, OUTCOME, READ, RESULTS, TOLD, Browser, function_call, said


class Office:
    """A toolset with policies that note what they are asked, beside what the driver has done by then."""

    def __init__(self, browser: Browser | None = None, confirm: Any = True, policy: Any = True, **options: Any) -> None:
        self.browser = browser or Browser()
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.diagnostics: list[ToolDiagnostic] = []
        self._confirm, self._policy = confirm, policy
        self.toolset: AsyncBrowserToolset = AsyncBrowserToolset(
            self.browser,
            **{"members": BROWSER_MEMBERS, "confirm": self.confirm, "url_policy": self.url_policy, **options},
        )

    async def confirm(self, context: Any) -> Any:
        return self._answer("confirm", context, self._confirm)

    async def url_policy(self, context: Any, url: str) -> Any:
        return self._answer(f"policy {url}", context, self._policy)

    def _answer(self, name: str, context: Any, answer: Any) -> Any:
        self.browser.done.append(name.split()[0])
        self.asked.append((name, context))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def execute(self, name: str, arguments: object = None, **options: Any) -> Any:
        return await self.toolset.execute(
            function_call(name, arguments), on_diagnostic=self.diagnostics.append, **options
        )

    @property
    def told(self) -> list[str]:
        assert all(one["api"] == "browser" and one["call_id"] == "call_1" for one in self.diagnostics)
        return [f"{one['stage']}/{one['reason']}/{one['member']}" for one in self.diagnostics]


def raising(name: str, error: BaseException) -> Browser:
    def during(method: str) -> None:
        if method == name:
            raise error

    return Browser(during)


@pytest.mark.parametrize("name", BROWSER_MEMBERS)
async def test_each_member_asks_first_acts_once_and_tells_what_came_of_it(name: str) -> None:
    office, member = Office(), MEMBERS[name]
    output = await office.execute(name)
    opens = member.navigates and ARGUMENTS[name]["url"] is not None
    steps = ["state", *(["policy"] if opens else []), *(["confirm"] if member.changes else [])]
    assert office.browser.done == [*steps, *([] if name == "list_tabs" else [name]), "state"]
    assert office.browser.arguments == ([] if name == "list_tabs" else [ARGUMENTS[name]])
    approved = [f"approval/completed/{name}"] if member.changes else []
    assert office.told == [*approved, f"action/completed/{name}"]
    if member.result == "image":
        assert said(output) == {"ok": True, "state": TOLD}
        assert output["output"][1:] == [IMAGE]
    else:
        assert said(output) == {"ok": True, "state": TOLD, "result": RESULTS.get(name)}
        assert len(output["output"]) == 1


async def test_policies_see_the_call_and_the_tabs_without_secrets() -> None:
    office = Office()
    await office.execute("navigate", {"url": "https://b.example/?q=1", "tab_id": None})
    context = {
        "member": "navigate",
        "arguments": {"url": "https://b.example/?q=1", "tab_id": None},
        "state": TOLD,
        "call_id": "call_1",
    }
    assert office.asked == [("policy https://b.example/?q=1", context), ("confirm", context)]


async def test_policies_can_change_what_they_are_shown_without_effect() -> None:
    async def policy(context: Any, url: str) -> bool:
        context["arguments"]["url"] = "https://evil.example/"
        context["state"]["tabs"].clear()
        return True

    seen: list[Any] = []

    async def confirm(context: Any) -> bool:
        seen.append((context["arguments"]["url"], len(context["state"]["tabs"])))
        context["arguments"]["url"] = "https://evil.example/"
        return True

    office = Office()
    office.toolset = AsyncBrowserToolset(office.browser, confirm=confirm, url_policy=policy)
    assert said(await office.execute("navigate"))["state"] == TOLD
    assert seen == [("https://shop.example/", 1)]
    assert office.browser.arguments == [ARGUMENTS["navigate"]]


@pytest.mark.parametrize("answer", [False, None, 1, "yes"])
async def test_only_true_itself_approves(answer: Any) -> None:
    office = Office(confirm=answer)
    output = said(await office.execute("click"))
    assert (output["ok"], output["state"]) == (False, TOLD)
    assert "not approved. Do not try it again" in output["error"]
    assert office.browser.done == ["state", "confirm", "state"]
    office = Office(policy=answer)
    assert said(await office.execute("navigate"))["error"] == "The navigation was not approved."
    assert office.browser.done == ["state", "policy", "state"]
    assert office.told == ["approval/refused/navigate"]


@pytest.mark.parametrize(
    ("error", "text", "reason"),
    [
        (BrowserError("Not on Sundays."), "Not on Sundays.", "refused"),
        (LookupError("a secret"), "The browser action failed.", "policy_failed"),
    ],
)
async def test_of_what_a_policy_raises_the_model_hears_the_text_of_a_browser_error_alone(
    error: Exception, text: str, reason: str
) -> None:
    for office in (Office(confirm=error), Office(policy=error)):
        assert said(await office.execute("navigate"))["error"] == text
        assert office.told == [f"approval/{reason}/navigate"]


@pytest.mark.parametrize("name", ["click", "read_page", "screenshot", "run_script", "upload_file", "read_diagnostics"])
async def test_of_what_a_driver_raises_the_model_hears_the_text_of_a_browser_error_alone(name: str) -> None:
    office = Office(raising(name, BrowserError("No such element.")))
    assert said(await office.execute(name)) == {"ok": False, "state": TOLD, "error": "No such element."}
    assert office.told[-1] == f"action/driver_failed/{name}"
    office = Office(raising(name, LookupError("a secret")))
    assert said(await office.execute(name)) == {"ok": False, "state": TOLD, "error": "The browser action failed."}
    assert office.told[-1] == f"action/driver_failed/{name}"


async def test_a_failure_that_the_model_does_not_hear_of_is_logged_by_its_class_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "anyopenai"):
        await Office(raising("click", LookupError("a secret"))).execute("click")
        await Office(confirm=KeyError("a secret")).execute("click")
    assert "driver.click failed with LookupError" in caplog.text
    assert "confirm failed with KeyError" in caplog.text
    assert "a secret" not in caplog.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "an object with exactly the members target, tab_id"),
        ("{}", "an object with exactly the members target, tab_id"),
        ({"target": "e1", "tab_id": None, "more": 1}, "an object with exactly the members target, tab_id"),
        ({"target": 1, "tab_id": None}, '\'target\' has an invalid value; it must fit {"type": "string"}'),
        ("[" * 100_000, "not valid JSON"),
    ],
)
async def test_arguments_that_do_not_fit_are_explained_to_the_model(arguments: Any, words: str) -> None:
    office = Office()
    output = said(await office.execute("click", arguments))
    assert (output["ok"], output["state"]) == (False, TOLD)
    assert words in output["error"]
    assert office.browser.done == ["state"]
    assert office.told == ["arguments/invalid_input/click"]


async def test_a_tool_that_does_not_exist_or_a_call_that_is_cut_is_answered_without_the_driver() -> None:
    for members in (
        {"name": "browser_fly"},
        {"name": "click"},
        {"name": None},
        {"status": "incomplete"},
        {"status": "in_progress"},
    ):
        office = Office()
        call = function_call("click").model_copy(update=members)
        output = said(await office.toolset.execute(call, on_diagnostic=office.diagnostics.append))
        assert output == {"ok": False, "error": "This browser tool is not available, or its call is not complete."}
        assert office.browser.done == []
        assert office.told == ["arguments/invalid_input/None"]


@pytest.mark.parametrize("arguments", [None, 5, {"target": "e1", "tab_id": None}])
async def test_arguments_that_are_no_text_are_explained_to_the_model(arguments: Any) -> None:
    """A server of another maker may send an object."""
    call = function_call("click").model_copy(update={"arguments": arguments})
    assert said(await Office().toolset.execute(call))["error"] == "The arguments are not valid JSON."


async def test_a_tool_that_was_not_declared_raises() -> None:
    office = Office(members=["list_tabs"])
    with pytest.raises(BrowserError, match="disabled: browser_click"):
        await office.execute("click")
    assert office.browser.done == []


async def test_something_else_than_a_call_is_refused() -> None:
    call: Any = {"type": "function_call"}
    with pytest.raises(TypeError, match="ResponseFunctionToolCall out of a response, not dict"):
        await Office().toolset.execute(call)


async def test_a_read_to_confirm_is_asked_about_before_anything_is_read() -> None:
    office = Office(confirm_reads=["read_page", "list_tabs"])
    assert said(await office.execute("read_page"))["ok"]
    assert office.browser.done == ["confirm", "state", "read_page", "state"]
    assert office.asked == [
        (
            "confirm",
            {
                "member": "read_page",
                "arguments": ARGUMENTS["read_page"],
                "state": None,
                "call_id": "call_1",
                "phase": "before_read",
            },
        )
    ]
    assert office.told == ["approval/completed/read_page", "action/completed/read_page"]
    # Other reads are not asked about, and actions as ever.
    office = Office(confirm_reads=["read_page"])
    await office.execute("find")
    await office.execute("click")
    assert [context["member"] for _, context in office.asked] == ["click"]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (False, "The browser read was not approved."),
        (LookupError("a secret"), "The browser action failed."),
        (BrowserError("Private."), "Private."),
    ],
)
async def test_a_read_that_is_not_approved_reads_nothing_not_even_the_tabs(answer: Any, text: str) -> None:
    office = Office(confirm=answer, confirm_reads=["list_tabs"])
    assert said(await office.execute("list_tabs")) == {"ok": False, "error": text}
    assert office.browser.done == ["confirm"]


async def test_wrong_arguments_of_a_read_to_confirm_are_explained_without_the_tabs() -> None:
    office = Office(confirm_reads=["read_page"])
    output = said(await office.execute("read_page", {}))
    assert output.keys() == {"ok", "error"}
    assert office.browser.done == []
    assert office.told == ["arguments/invalid_input/read_page"]


@pytest.mark.parametrize(
    ("outcome", "ok"),
    [
        (OUTCOME, True),
        ({**OUTCOME, "status": "refused", "effect": "none"}, False),
        ({**OUTCOME, "status": "unknown", "effect": "unknown", "cleanup": "pending"}, False),
        ({**OUTCOME, "status": "interrupted", "effect": "none", "cleanup": "not_started"}, False),
    ],
)
async def test_a_file_is_ok_when_it_was_passed_on(outcome: dict[str, Any], ok: bool) -> None:
    office = Office(Browser(upload_file=outcome))
    assert said(await office.execute("upload_file")) == {"ok": ok, "state": TOLD, "result": outcome}
    assert office.told[-1] == "action/completed/upload_file"


@pytest.mark.parametrize(
    ("name", "result", "words"),
    [
        ("click", 5, "must return a string or None, not int"),
        ("wait_for", READ, "must return a string or None, not dict"),
        ("read_page", 5, "read report failed"),
        ("read_page_scoped", READ, "read report failed.*scopes"),
        ("read_page_scoped", "text", "read report failed"),
        ("read_diagnostics", None, "read report failed"),
        ("run_script", None, "script result failed"),
        ("run_script", "\ud800", "script result failed"),
        ("screenshot", None, "input_image with at least one of"),
        ("upload_file", "done", "file result failed"),
    ],
)
async def test_a_result_that_cannot_be_ends_the_call_in_words_for_the_programmer(
    name: str, result: Any, words: str
) -> None:
    office = Office(Browser(**{name: result}))
    with pytest.raises(BrowserReportError, match=words):
        await office.execute(name)
    assert office.told[-1] == f"output/invalid_output/{name}"
    assert said(await Office().execute(name))["ok"]


@pytest.mark.parametrize("error", [LookupError("why"), BrowserError("why")])
async def test_a_state_that_cannot_be_asked_for_ends_the_call(error: Exception) -> None:
    office = Office(raising("state", error))
    with pytest.raises(BrowserReportError, match=r"driver\.state raised") as caught:
        await office.execute("click")
    assert caught.value.__cause__ is error
    assert office.browser.done == ["state"]


async def test_text_goes_as_it_is_and_half_a_character_as_an_escape() -> None:
    output = await Office(Browser(get_page_text="Grüße 日本")).execute("get_page_text")
    assert "Grüße 日本" in output["output"][0]["text"]
    output = await Office(Browser(get_page_text="a\ud800b")).execute("get_page_text")
    assert "a\\ud800b" in output["output"][0]["text"]
    assert said(output)["result"] == "a\ud800b"


async def test_plain_functions_are_refused_in_words() -> None:
    plain: Any = lambda *shown: True  # noqa: E731
    with pytest.raises(TypeError, match=r"confirm returned bool.*async def"):
        await AsyncBrowserToolset(Browser(), members=["click"], confirm=plain).execute(function_call("click"))
    office = Office(url_policy=plain)
    with pytest.raises(TypeError, match=r"url_policy returned bool.*async def"):
        await office.execute("navigate")
    browser: Any = Browser()
    browser.click = plain
    office = Office(browser)
    with pytest.raises(TypeError, match=r"driver\.click returned bool.*async def"):
        await office.execute("click")
    browser = Browser()
    browser.state = plain
    office = Office(browser)
    with pytest.raises(TypeError, match="async def"):
        await office.execute("click")


async def test_a_call_can_be_cancelled_between_any_two_steps() -> None:
    def after(count: int) -> Callable[[], bool]:
        answers = iter([False] * count)
        return lambda: next(answers, True)

    for name, options in (("navigate", {}), ("read_page", {"confirm_reads": ["read_page"]})):
        asked: list[None] = []
        whole = Office(**options)
        await whole.execute(name, cancelled=lambda asked=asked: bool(asked.append(None)))
        assert len(asked) > 6
        for count in range(len(asked)):
            office = Office(**options)
            with pytest.raises(BrowserCancelledError, match="Browser execution was cancelled"):
                await office.execute(name, cancelled=after(count))
            lines = office.told
            if lines and lines[-1].split("/")[1] == "cancelled":
                lines.pop()
            assert whole.told[: len(lines)] == lines
            assert whole.browser.done[: len(office.browser.done)] == office.browser.done
            assert office.toolset.close() == {"status": "closed"}


@pytest.mark.parametrize("name", ["click", "state", "confirm"])
async def test_a_driver_or_a_policy_can_cancel_the_call(name: str) -> None:
    error = BrowserCancelledError("Enough.")
    office = Office(raising(name, error), confirm=error if name == "confirm" else True)
    with pytest.raises(BrowserCancelledError, match="Enough"):
        await office.execute("click")
    assert [line for line in office.told if "failed" in line] == []


async def test_cancelling_the_task_passes_through_and_leaves_the_toolset_free() -> None:
    reached = anyio.Event()

    async def forever() -> None:
        reached.set()
        await anyio.sleep_forever()

    office = Office(Browser(lambda name: forever() if name == "find" else None))
    async with anyio.create_task_group() as group:

        async def work() -> None:
            await office.execute("find")
            raise AssertionError("it went on")

        group.start_soon(work)
        await reached.wait()
        with pytest.raises(ToolsetBusyError, match="Browser toolset is busy with another call"):
            await office.execute("list_tabs")
        assert office.toolset.close() == {"status": "draining"}
        group.cancel_scope.cancel()
    assert office.browser.done == ["state", "find"]
    assert office.told == []
    assert office.toolset.close() == {"status": "closed"}
    with pytest.raises(ToolsetClosedError, match="Browser toolset is closed"):
        await office.execute("list_tabs")
    assert office.toolset.driver is office.browser
