"""Moving over from openai-python means changing an import: the modules of its helpers are there, with their names."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import anyopenai
from test_import import loaded_by

PACKAGE = Path(anyopenai.__file__).parent / "lib"

# The public names of openai-python 3.51.0's modules below openai.lib, by introspection.
PEER = {
    "beta.agents": {
        *("AgentFilePreparationError", "AgentFileStagingError", "AgentOutputParseError", "AgentResultArtifacts"),
        *("AgentSessionEventStream", "AgentToolError", "AgentTurnResult", "AgentTurnResultError"),
        *("AsyncAgentResultArtifacts", "AsyncAgentSessionEventStream", "FunctionTool", "PreparedAgentFiles"),
        *("StagedAgentFile", "agent_text_format", "function_tool", "pydantic_function_tool"),
    },
    "streaming.agents": {
        *("AgentSessionStream", "AsyncAgentSessionStream", "AsyncToolHandler", "ToolHandler", "ToolOutput"),
    },
    "computer": {
        "AsyncComputerDriver",
        "AsyncComputerToolset",
        "ComputerActionInput",
        "ComputerDriver",
        "ComputerToolset",
        "ComputerUseError",
        "Screenshot",
    },
    "browser": {
        *("BrowserToolset", "AsyncBrowserToolset", "BROWSER_MEMBERS", "DEFAULT_BROWSER_MEMBERS"),
        *("BrowserDriver", "AsyncBrowserDriver", "BrowserReadDriver", "AsyncBrowserReadDriver"),
        *("BrowserNavigationDriver", "AsyncBrowserNavigationDriver", "BrowserClickDriver", "AsyncBrowserClickDriver"),
        *("BrowserScreenshotDriver", "AsyncBrowserScreenshotDriver", "BrowserState", "BrowserTab"),
        *("BrowserObservationV1", "BrowserReadV1", "BrowserFileOutcome", "BrowserFileInput", "BrowserScopedReadV1"),
        *("BrowserReadScope", "BrowserReadElement", "BrowserReadOption", "BrowserStateChange", "BrowserTabChange"),
        *("BrowserNavigationRefused", "BrowserDialogDismissed", "BrowserDownload", "BrowserConfirmContext"),
        *("BrowserReadConfirmContext", "BrowserError", "BrowserCancelledError", "BrowserPoint", "NavigateInput"),
        *("ReadPageInput", "TabInput", "ZoomInput", "FindInput", "ClickInput", "ClickAtInput", "HoverAtInput"),
        *("SetCheckedInput", "DragPathInput", "HoldKeysInput", "ReadPageScopedInput", "ReadDiagnosticsInput"),
        *("RunScriptInput", "TypeInput", "KeyInput", "ScrollInput", "WaitForInput", "SelectOptionInput", "NewTabInput"),
    },
    "tool_diagnostics": {"ToolDiagnostic", "ToolDiagnosticObserver", "ToolDiagnosticUsage"},
    "decisions_tool_runner": {
        "AsyncDecisionActionCandidate",
        "AsyncDecisionCandidate",
        "AsyncDecisionsToolRunner",
        "DecisionActionCandidate",
        "DecisionCandidate",
        "DecisionDoneCandidate",
        "DecisionObservation",
        "DecisionsRunResult",
        "DecisionsRunnerParams",
        "DecisionsToolRunner",
        "DecisionsToolRunnerCancelledError",
        "DecisionsToolRunnerError",
    },
    "responses_tool_runner": {
        *("AsyncContextBudget", "AsyncRegisteredFunction", "AsyncResponsesToolLedger", "AsyncResponsesToolRunner"),
        *("ContextBudget", "ContextBudgetDecision", "ContextBudgetSnapshot", "EarlyExecution", "RegisteredFunction"),
        *("ResponsesRunnerTurn", "ResponsesToolCheckpoint", "ResponsesToolLedger", "ResponsesToolRunner"),
        *("ToolRunnerCancelledError", "ToolRunnerError"),
    },
    # Beside AssistantEventHandler, whose hooks are plain functions: it says at the top level what to do instead.
    "streaming": {
        "AssistantStreamManager",
        "AsyncAssistantEventHandler",
        "AsyncAssistantEventHandlerT",
        "AsyncAssistantStreamManager",
    },
    "streaming.chat": {
        *("AsyncChatCompletionStream", "AsyncChatCompletionStreamManager", "ChatCompletionStream"),
        *("ChatCompletionStreamEvent", "ChatCompletionStreamManager", "ChatCompletionStreamState", "ChunkEvent"),
        *("ContentDeltaEvent", "ContentDoneEvent", "FunctionToolCallArgumentsDeltaEvent"),
        *("FunctionToolCallArgumentsDoneEvent", "LogprobsContentDeltaEvent", "LogprobsContentDoneEvent"),
        *("LogprobsRefusalDeltaEvent", "LogprobsRefusalDoneEvent", "ParsedChatCompletionMessageSnapshot"),
        *("ParsedChatCompletionSnapshot", "ParsedChoiceSnapshot", "RefusalDeltaEvent", "RefusalDoneEvent"),
    },
    "streaming.responses": {
        "AsyncResponseStream",
        "AsyncResponseStreamManager",
        "ResponseFunctionCallArgumentsDeltaEvent",
        "ResponseStream",
        "ResponseStreamEvent",
        "ResponseStreamManager",
        "ResponseTextDeltaEvent",
        "ResponseTextDoneEvent",
    },
}


@pytest.mark.parametrize("name", PEER)
def test_a_module_has_the_names_of_its_twin(name: str) -> None:
    module = import_module(f"anyopenai.lib.{name}")
    assert set(module.__all__) >= PEER[name]
    for one in module.__all__:
        assert getattr(module, one) is not None


def test_every_door_is_compared_with_its_twin() -> None:
    paths = [path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py") if path.stem != "__init__"]
    assert {".".join(path.parts) for path in paths} == PEER.keys() - {"streaming"}


@pytest.mark.parametrize("name", PEER)
def test_names_without_async_are_the_asynchronous_ones(name: str) -> None:
    """As `OpenAI` is `AsyncOpenAI`."""
    module = import_module(f"anyopenai.lib.{name}")
    for one in module.__all__:
        # Candidates of decisions are two shapes: with a coroutine function and with a plain one.
        if one.startswith("Async") and one[5:] in PEER[name] and not one.endswith("Candidate"):
            assert getattr(module, one[5:]) is getattr(module, one), one


def test_the_computer_toolset_stands_at_the_top_too() -> None:
    from anyopenai.lib import computer

    for name in ("AsyncComputerDriver", "AsyncComputerToolset", "ComputerDriver", "ComputerToolset"):
        assert getattr(anyopenai, name) is getattr(computer, name)


def test_the_doors_load_nothing_until_one_is_opened() -> None:
    assert not {name for name in loaded_by("import anyopenai") if name.startswith(("anyopenai.lib", "anyopenai.tools"))}
    assert "anyopenai.tools.browser" not in loaded_by("import anyopenai.lib.computer")
    assert "anyopenai.streaming.assistant_stream" not in loaded_by("import anyopenai.lib.streaming.chat")
