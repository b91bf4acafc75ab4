"""Every name is where users look for it, is loaded on first use, and loads no more than it needs."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, get_type_hints, is_typeddict

import pytest

import anyopenai.types
from anyopenai._codec import BaseModel
from generated.facts import ROOT

SOURCE = Path(anyopenai.types.__file__).parent
MODULES = sorted(name for _, name, _ in pkgutil.walk_packages(anyopenai.types.__path__, "anyopenai.types."))
PACKAGES = ["anyopenai.types", *(name for name in MODULES if hasattr(importlib.import_module(name), "__path__"))]

# What programs out there import, by module; the first names of a line are often not in the package itself.
DEEP_IMPORTS = """
chat.chat_completion: ChatCompletion Choice ChoiceLogprobs
chat.chat_completion_chunk: ChatCompletionChunk Choice ChoiceDelta ChoiceDeltaToolCall ChoiceDeltaToolCallFunction
chat.chat_completion_message: ChatCompletionMessage FunctionCall Annotation AnnotationURLCitation
chat.chat_completion_message_function_tool_call: ChatCompletionMessageFunctionToolCall Function
chat.chat_completion_message_tool_call: ChatCompletionMessageToolCall ChatCompletionMessageToolCallUnion Function
chat.chat_completion_message_param: ChatCompletionMessageParam
chat.chat_completion_token_logprob: ChatCompletionTokenLogprob TopLogprob
chat.chat_completion_tool_param: ChatCompletionToolParam
chat.completion_create_params: CompletionCreateParams CompletionCreateParamsStreaming ResponseFormat WebSearchOptions
completion_usage: CompletionUsage CompletionTokensDetails PromptTokensDetails
create_embedding_response: CreateEmbeddingResponse Usage
responses.response: Response IncompleteDetails ToolChoice
responses.response_create_params: ResponseCreateParams ToolChoice
responses.response_function_tool_call: ResponseFunctionToolCall
responses.response_input_item_param: ResponseInputItemParam Message FunctionCallOutput ItemReference
responses.response_output_item: ResponseOutputItem McpCall ImageGenerationCall
responses.response_output_text: ResponseOutputText AnnotationURLCitation Logprob
responses.response_reasoning_item: ResponseReasoningItem Summary
responses.response_stream_event: ResponseStreamEvent
responses.response_text_delta_event: ResponseTextDeltaEvent
responses.response_usage: ResponseUsage InputTokensDetails OutputTokensDetails
responses.tool_param: ToolParam CodeInterpreter ImageGeneration Mcp
shared.reasoning_effort: ReasoningEffort
shared.chat_model: ChatModel
shared_params.response_format_json_schema: ResponseFormatJSONSchema JSONSchema
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_of_a_package_is_found(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
    assert set(module.__all__) <= set(dir(module))
    with pytest.raises(AttributeError, match="NoSuchType"):
        _ = module.NoSuchType


@pytest.mark.parametrize("line", DEEP_IMPORTS.strip().splitlines())
def test_names_are_in_the_modules_users_import_them_from(line: str) -> None:
    module_name, _, names = line.partition(": ")
    module = importlib.import_module(f"anyopenai.types.{module_name}")
    for name in names.split():
        assert hasattr(module, name), name


def test_a_star_import_gives_every_name() -> None:
    names: dict[str, Any] = {}
    exec("from anyopenai.types.chat import *", names)
    assert {"ChatCompletion", "ChatCompletionChunk", "ChatCompletionMessageParam"} <= names.keys()


def _imports(path: Path) -> set[str]:
    """Return what a module needs before its own names exist: the imports at its top, in absolute form."""
    package = ["anyopenai", "types", *path.relative_to(SOURCE).parts[:-1]]
    found: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.AnnAssign):
            break
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            for alias in node.names:
                whole = ".".join([*base, *(node.module or "").split("."), alias.name]).replace("..", ".")
                found.add(whole if whole in MODULES else whole.rpartition(".")[0])
    return found


def test_no_module_of_types_needs_itself_in_a_roundabout_way() -> None:
    """So every module can be the first that a program imports."""
    needs = {
        ".".join(["anyopenai", "types", *path.relative_to(SOURCE).with_suffix("").parts]): _imports(path)
        for path in SOURCE.rglob("*.py")
        if path.name != "__init__.py"
    }
    try:
        tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def _loaded(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the modules of ours that it loaded."""
    tail = "import json, sys; print(json.dumps([name for name in sys.modules if name.startswith('anyopenai')]))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}\n{tail}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return set(json.loads(done.stdout))


def test_the_package_of_types_loads_none_of_them() -> None:
    loaded = _loaded("import anyopenai.types")
    assert {name for name in loaded if name.startswith("anyopenai.types.")} == {"anyopenai.types._lazy"}


def test_the_first_use_of_embeddings_loads_nothing_of_chat_or_responses() -> None:
    loaded = _loaded(
        "from anyopenai.resources._namespaces import Namespaces as N\nn = N(); n._caller = None; n.embeddings"
    )
    strangers = {name for name in loaded if ".chat" in name or ".responses" in name}
    assert strangers == set()
    assert "anyopenai.resources.embeddings" in loaded
    assert "anyopenai.types.embedding" in loaded


def test_the_first_use_of_chat_loads_nothing_of_responses_and_no_param() -> None:
    loaded = _loaded(
        "from anyopenai.resources._namespaces import Namespaces as N\nn = N(); n._caller = None; n.chat.completions"
    )
    assert {name for name in loaded if ".responses" in name} == set()
    assert {name for name in loaded if name.endswith(("_param", "_params"))} == set()


def test_type_hints_of_params_and_answers_can_be_read_at_run_time() -> None:
    """Libraries that read annotations (and people who do) find every name that they mention."""
    for name in MODULES:
        for value in list(vars(importlib.import_module(name)).values()):
            ours = isinstance(value, type) and value.__module__ == name
            if ours and (is_typeddict(value) or issubclass(value, BaseModel)):
                get_type_hints(value)
