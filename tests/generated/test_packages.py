"""Every name is where users look for it, is loaded on first use, and loads no more than it needs."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, get_type_hints, is_typeddict

import pytest

import anyopenai.types
from anyopenai._codec import BaseModel
from anyopenai.resources._namespaces import Namespaces
from anyopenai_codegen.facts import snake
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


BORROWERS = ("beta", "evals", "live")


def test_nobody_needs_the_types_of_those_who_borrow() -> None:
    """What several packages share is where people look for it, and what is in beta stays there."""
    for path in SOURCE.rglob("*.py"):
        own = path.relative_to(SOURCE).parts[0]
        if path.name != "__init__.py" and not own.startswith(("_", "eval")):
            needs = {name.split(".")[2] for name in _imports(path) if name.startswith("anyopenai.types.")}
            assert needs & set(BORROWERS) <= {own}, path


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


USE = "from anyopenai.resources._namespaces import Namespaces as N\nn = N(); n._caller = None; n.{}"

# Whose types a namespace needs besides its own, those that stand in no package, and the shared ones.
BORROWED = {
    "conversations": {"responses"},
    "beta.threads": {"responses"},
    "evals": {"graders", "responses"},
    "evals.runs": {"evals", "graders", "responses", "chat"},
    "fine_tuning.jobs": {"graders", "responses"},
    "realtime.client_secrets": {"responses"},
    "responses": {"conversations"},
    "videos": {"responses"},
}
TOP = [name for name in vars(Namespaces) if isinstance(vars(Namespaces)[name], cached_property)]
USED = [
    *TOP,
    "audio.speech",
    "beta.threads",
    "chat.completions",
    "evals.runs",
    "fine_tuning.jobs",
    "realtime.client_secrets",
]


@pytest.mark.parametrize("namespace", USED)
def test_the_first_use_of_a_namespace_loads_nothing_of_others_and_no_param(namespace: str) -> None:
    loaded = _loaded(USE.format(namespace))
    own = namespace.partition(".")[0]
    resources = {name.split(".")[2] for name in loaded if name.startswith("anyopenai.resources.")}
    assert resources == {"_namespaces", own}
    types = [name.split(".")[2:] for name in loaded if name.startswith("anyopenai.types.")]
    assert {parts[0] for parts in types if len(parts) > 1} <= {own, "shared", *BORROWED.get(namespace, ())}
    assert [parts[-1] for parts in types if parts[-1].endswith("_params")] == []


# Names that openai-python's packages give and ours do not: they belong to helpers that are not there yet, by helper.
ABSENT = {
    "connections over WebSockets": """
        ReconnectingEvent ReconnectingOverrides SyncWebSocketConnectionOptions WebSocketConnectionOptions
        WebsocketConnectionOptions
    """,
    "the arguments of realtime and live connections": """
        beta.realtime.RealtimeConnectParams live.SidebandConnectParams realtime.RealtimeConnectParams
        realtime.RealtimeResponseCreateParamsWithReferencesParam realtime.ResponseCreateEventWithReferencesParam
        realtime.ResponseItemReferenceParam
    """,
}


def test_packages_give_the_names_that_users_know() -> None:
    table = json.loads((ROOT / "src/anyopenai_codegen/facts/names.json").read_text(encoding="utf-8"))["exports"]
    known = {f"{package}.{name}".lstrip(".") for package, names in table.items() for name in names.split()}
    absent = {name for name in known if not _gives(name)}
    assert absent == {name for names in ABSENT.values() for name in names.split()}
    assert len(known) == 1757


def _gives(name: str) -> bool:
    package, _, own = name.rpartition(".")
    return hasattr(importlib.import_module(f"anyopenai.types.{package}".rstrip(".")), own)


LONGEST = 45


def test_only_names_that_users_know_are_long() -> None:
    """And of files: whoever lists a directory reads them."""
    table = json.loads((ROOT / "src/anyopenai_codegen/facts/names.json").read_text(encoding="utf-8"))
    known = {name for names in table["exports"].values() for name in names.split()}
    for side in ("response", "param"):
        known |= set(re.findall(r"[:/](\w+)", " ".join(table[side].values())))
    files = {snake(name) for name in known}
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        aliases = {
            node.target.id
            for node in tree.body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        }
        long = {name for name in classes | aliases if len(name) > LONGEST and not name.startswith("_")}
        assert long <= known, path
        assert len(path.stem) <= LONGEST or path.stem in files


def test_type_hints_of_params_and_answers_can_be_read_at_run_time() -> None:
    """Libraries that read annotations (and people who do) find every name that they mention."""
    for name in MODULES:
        for value in list(vars(importlib.import_module(name)).values()):
            ours = isinstance(value, type) and value.__module__ == name
            if ours and (is_typeddict(value) or issubclass(value, BaseModel)):
                get_type_hints(value)
