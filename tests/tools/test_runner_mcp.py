"""Consent for tools on MCP servers: which calls need it, and that each consent is for one call with its very arguments."""

from __future__ import annotations

from typing import Any

import pytest

from anyopenai.tools import ToolRunnerError
from anyopenai.tools.runner_mcp import McpConsent, fingerprint
from tools.runner_turns import Bench, message

LAST = [message("last")]


def server(**more: Any) -> dict[str, Any]:
    return {"type": "mcp", "server_label": "s", "server_url": "https://x.y/z", **more}


def request(number: str = "r1", name: str = "t", **more: Any) -> dict[str, Any]:
    return {
        "type": "mcp_approval_request",
        "id": number,
        "server_label": "s",
        "name": name,
        "arguments": '{"a":1}',
        **more,
    }


def called(consent: str | None = "r1", name: str = "t", **more: Any) -> dict[str, Any]:
    return {
        "type": "mcp_call",
        "id": "m1",
        "server_label": "s",
        "name": name,
        "arguments": '{"a":1}',
        "output": "x",
        "status": "completed",
        **({"approval_request_id": consent} if consent else {}),
        **more,
    }


@pytest.mark.parametrize(
    ("declared", "name", "policy"),
    [
        ({}, "t", "always"),
        ({"require_approval": "always"}, "t", "always"),
        ({"require_approval": "never"}, "t", "never"),
        ({"require_approval": {"always": {"tool_names": ["t"]}}}, "t", "always"),
        ({"require_approval": {"always": {"tool_names": ["t"]}}}, "u", "either"),
        ({"require_approval": {"never": {"tool_names": ["t"]}}}, "t", "never"),
        ({"require_approval": {"never": {"tool_names": ["t"]}}}, "u", "always"),
        ({"require_approval": {"never": {"tool_names": ["t"]}, "always": {"tool_names": ["t"]}}}, "t", "always"),
        ({"require_approval": {"never": {"read_only": True}}}, "t", "either"),
        ({"allowed_tools": ["t"]}, "t", "always"),
        ({"allowed_tools": ["t"]}, "u", None),
        ({"allowed_tools": {"tool_names": ["t"]}}, "u", None),
        ({"allowed_tools": {"read_only": True}}, "u", "always"),
    ],
)
def test_which_tools_need_consent(declared: Any, name: str, policy: str | None) -> None:
    consent = McpConsent([server(**declared)])
    assert consent.policy("s", name) == policy
    assert consent.policy("other", name) is None


CALLS: dict[str, tuple[dict[str, Any], bool]] = {
    "as consented": (called(), True),
    "other arguments": (called(arguments='{"a": 1}'), False),
    "another tool": (called(name="u"), False),
    "another request": (called("r2"), False),
    "no consent": (called(None), False),
    "another server": (called(server_label="other"), False),
    "one that failed": (called(status="failed", error={"type": "x"}), False),
    "one on its way": (called(status="calling"), False),
}


@pytest.mark.parametrize("name", CALLS)
async def test_consent_is_for_one_call(name: str) -> None:
    item, fine = CALLS[name]
    asked = []

    async def approve(given: Any) -> bool:
        asked.append((given.id, given.name))
        return True

    bench = Bench([request()], [item, *LAST])
    if fine:
        await bench.run({"tools": [server()]}, approve_mcp=approve)
        answered = {"type": "mcp_approval_response", "approval_request_id": "r1", "approve": True}
        assert bench.sent[1]["input"][-2:] == [request(), answered]
    else:
        with pytest.raises(ToolRunnerError):
            await bench.run({"tools": [server()]}, approve_mcp=approve)
    assert asked == [("r1", "t")]


@pytest.mark.parametrize(
    ("asked", "declared", "said"),
    [
        (request(server_label="other"), {}, "not declared"),
        (request(), {"allowed_tools": ["u"]}, "not declared"),
        (request(), {"require_approval": "never"}, "need none"),
    ],
)
async def test_consent_that_nobody_should_ask_for(asked: Any, declared: Any, said: str) -> None:
    bench = Bench([asked])
    with pytest.raises(ToolRunnerError, match=said):
        await bench.run({"tools": [server(**declared)]}, approve_mcp=lambda _: True)


async def test_consent_is_spent_by_its_call() -> None:
    bench = Bench([request()], [called(), called(id="m2"), *LAST])
    with pytest.raises(ToolRunnerError, match="otherwise than consent"):
        await bench.run({"tools": [server()]}, approve_mcp=lambda _: True)


async def test_a_refusal_goes_to_the_model() -> None:
    bench = Bench([request()], LAST)
    await bench.run({"tools": [server()]}, approve_mcp=lambda _: False)
    assert bench.sent[1]["input"][-1]["approve"] is False
    assert bench.stages[1] == ("approval", "refused", "r1")


async def test_a_call_that_was_refused_is_not_taken() -> None:
    bench = Bench([request()], [called(), *LAST])
    with pytest.raises(ToolRunnerError, match="otherwise than consent"):
        await bench.run({"tools": [server()]}, approve_mcp=lambda _: False)


@pytest.mark.parametrize("answer", [None, 1, "yes"])
async def test_consent_is_true_or_false(answer: Any) -> None:
    bench = Bench([request()], LAST)
    with pytest.raises(ToolRunnerError, match="approve_mcp"):
        await bench.run({"tools": [server()]}, approve_mcp=lambda _: answer)
    assert bench.runner.attempted_call_ids == ("r1",)
    assert bench.stages[-1] == ("approval", "policy_failed", "r1")


async def test_an_approval_that_raises_ends_the_run() -> None:
    async def fail(_: object) -> bool:
        raise LookupError("secret")

    bench = Bench([request()], LAST)
    with pytest.raises(ToolRunnerError) as caught:
        await bench.run({"tools": [server()]}, approve_mcp=fail)
    assert isinstance(caught.value.__cause__, LookupError)
    assert bench.stages[-1] == ("approval", "policy_failed", "r1")


async def test_consent_in_the_input_counts() -> None:
    history = [request(), {"type": "mcp_approval_response", "approval_request_id": "r1", "approve": True}]
    bench = Bench([called(), *LAST])
    await bench.run({"tools": [server()], "input": history})
    spent = Bench([called(id="m2"), *LAST])
    with pytest.raises(ToolRunnerError):
        await spent.run({"tools": [server()], "input": [*history, called()]})


async def test_consent_outlives_a_process() -> None:
    bench = Bench([request()], [called(), *LAST])
    await bench.run({"tools": [server()]}, approve_mcp=lambda _: True, ledger=bench.ledger())
    assert [one["phase"] for one in bench.saved] == [*["pending"] * 4, "boundary", "pending", "final"]
    again = Bench([called(), *LAST])
    await again.run({"tools": [server()], "input": None}, ledger=again.ledger(resume_from=bench.saved[4]))
    # The request with the consent is on its way: what the server does for it is not known.
    with pytest.raises(ValueError, match="not known"):
        again.iterate({"tools": [server()], "input": None}, ledger=again.ledger(resume_from=bench.saved[5]))


async def test_the_tools_of_a_server_are_those_of_one_that_was_declared() -> None:
    listed = {"type": "mcp_list_tools", "id": "l", "server_label": "s", "tools": []}
    await Bench([listed, *LAST]).run({"tools": [server()]})
    with pytest.raises(ToolRunnerError, match="not declared"):
        await Bench([{**listed, "server_label": "other"}, *LAST]).run({"tools": [server()]})
    with pytest.raises(ToolRunnerError, match="not declared"):
        await Bench([listed, *LAST]).run()


def test_other_tools_are_kept_as_they_are() -> None:
    assert fingerprint({"type": "web_search"}) == {"type": "web_search"}
