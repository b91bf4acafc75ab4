"""The layering rules of docs/explanation/architecture.md, read off the source with `ast`: no module is imported here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "anyopenai"
PAGE = ROOT / "docs" / "explanation" / "architecture.md"

# Rank of every module and package directly below anyopenai: imports point to a lower rank. This table is the truth;
# the architecture page shows the same one (checked below). An entry may be ahead of the code; code may not be ahead
# of the table.
RANKS = {
    "errors": 0,
    "_headers": 0,
    "_omit": 0,
    "_timeouts": 0,
    "_version": 0,
    "_codec": 1,
    "_files": 1,
    "_sansio": 1,
    "_tasks": 1,
    "_contract": 2,
    "types": 2,
    "_resource": 3,
    "pagination": 3,
    "transport": 3,
    "_transport_options": 4,
    "providers": 4,
    "structured": 4,
    "_engine": 5,
    "forwarding": 6,
    "jobs": 6,
    "realtime": 6,
    "streaming": 6,
    "agents": 7,
    "tools": 7,
    "resources": 8,
    "auth": 9,
    "client": 9,
    "helpers": 9,
    "lib": 9,
    "testing": 10,
    "cli": 11,
    "__init__": 12,
    "__main__": 12,
}

GENERATED = {"types", "resources"}

# Bytes, numbers and plain data: no clock, no randomness, no I/O, no event loop.
PURE = {"_codec", "_contract", "_headers", "_omit", "_sansio", "_timeouts", "_version", "errors", "types"}
IMPURE_IMPORTS = {
    "anyio",
    "asyncio",
    "certifi",
    "h2",
    "httpcore",
    "httptools",
    "random",
    "secrets",
    "select",
    "selectors",
    "socket",
    "ssl",
    "threading",
    "time",
    "trio",
    "truststore",
    "websockets",
}

# The only places that may look at the process's environment; everyone else is handed values.
READS_ENVIRONMENT = {"cli", "client", "providers", "testing"}

NETWORK_ERROR_PACKAGES = {"aiohttp", "anyio", "h2", "httpcore", "httpx", "httpx2", "socket", "ssl", "websockets"}
# Errors of sockets and protocols, and those of other packages' HTTP clients.
PUT_INTO_WORDS = {"transport.failures", "transport.adapters.errors"}
NETWORK_ERROR_BUILTINS = {
    "BrokenPipeError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "OSError",
    "TimeoutError",
}
REQUEST_ERRORS = {
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "DeadlineExceeded",
    "MalformedEvent",
    "ProxyError",
    "StreamTruncated",
}
# Modules that own files handle the errors of those files.
FILE_OWNERS = {"_engine.bodies", "_files", "agents.files"}


@dataclass(frozen=True)
class Import:
    """One import statement's target: absolute dotted names, and whether it runs."""

    module: str
    names: tuple[str, ...]
    line: int
    runs: bool


@dataclass(frozen=True)
class Module:
    """One source file below src/anyopenai, parsed."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def top(self) -> str:
        return self.name.split(".")[0]

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    def where(self, line: int) -> str:
        return f"{self.path.relative_to(ROOT)}:{line}"


def _name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts[-1] == "__init__" and len(parts) > 1:
        parts = parts[:-1]
    return ".".join(parts)


_DEFINITION = re.compile(r"^(?:@|class |def |async def )", re.MULTILINE)
_LATER_IMPORT = re.compile(r"^\s*(?:import|from\s+\S+\s+import)\s|import_module|__import__", re.MULTILINE)


@cache
def modules() -> tuple[Module, ...]:
    """Parse the package once."""
    return tuple(
        Module(name, path, _parsed(name, path)) for path in sorted(PACKAGE.rglob("*.py")) for name in [_name(path)]
    )


def _parsed(name: str, path: Path) -> ast.Module:
    text = path.read_text("utf-8")
    if name.partition(".")[0] in GENERATED:
        # Two thousand files: only what comes before the first class or function, unless something is imported after it.
        begins = _DEFINITION.search(text)
        if begins is not None and not _LATER_IMPORT.search(text, begins.start()):
            text = text[: begins.start()]
    return ast.parse(text, str(path))


def hand_written() -> tuple[Module, ...]:
    """Leave out what the generator wrote; its imports are checked, its expressions are not ours to review."""
    return tuple(module for module in modules() if module.top not in GENERATED)


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _absolute(module: Module, node: ast.ImportFrom) -> str:
    """Resolve `from ..x import y` to a name below the root, as Python does."""
    if not node.level:
        return node.module or ""
    parts = ["anyopenai", *([] if module.name == "__init__" else module.name.split("."))]
    keep = len(parts) - node.level + (1 if module.is_package else 0)
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


@cache
def imports(module: Module) -> tuple[Import, ...]:
    """Give every import of a module, those inside functions too; `if TYPE_CHECKING:` marks what never runs."""

    def visit(node: ast.AST, runs: bool) -> Iterator[Import]:
        if isinstance(node, ast.If) and _is_type_checking(node.test):
            for child in node.body:
                yield from visit(child, False)
            for child in node.orelse:
                yield from visit(child, runs)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, (), node.lineno, runs)
        elif isinstance(node, ast.ImportFrom):
            yield Import(_absolute(module, node), tuple(alias.name for alias in node.names), node.lineno, runs)
        elif isinstance(node, ast.Call):
            dotted = _dotted(node.func)
            if dotted in {"import_module", "importlib.import_module", "__import__"} and node.args:
                target = node.args[0]
                if isinstance(target, ast.Constant) and isinstance(target.value, str):
                    yield Import(target.value, (), node.lineno, runs)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, runs)

    return tuple(visit(module.tree, True))


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return "?"


@cache
def _known() -> frozenset[str]:
    return frozenset(module.name for module in modules())


@cache
def _own_targets(imported: Import) -> list[str]:
    """Name the modules of ours that an import loads, relative to the package."""
    if imported.module != "anyopenai" and not imported.module.startswith("anyopenai."):
        return []
    base = imported.module.removeprefix("anyopenai").removeprefix(".")
    known = _known()
    targets = []
    for name in imported.names or ("",):
        full = f"{base}.{name}".strip(".")
        # `from .x import y`: y is a module of ours, or a name in x.
        targets.append(full if full in known else base or "__init__")
    return targets


def test_every_module_has_a_rank() -> None:
    """A new module is placed in the table above before it is imported by anyone."""
    unknown = sorted({module.top for module in modules()} - RANKS.keys())
    assert not unknown, f"give a rank in tests/test_layers.py and in {PAGE.relative_to(ROOT)}: {unknown}"


def test_imports_point_to_a_lower_rank() -> None:
    """Rule 1: what runs at import or in a function points down; only `TYPE_CHECKING` imports may point up."""
    wrong = [
        f"{module.where(imported.line)} imports {target} (rank {RANKS[target.split('.')[0]]}) "
        f"from rank {RANKS[module.top]}"
        for module in modules()
        for imported in imports(module)
        if imported.runs
        for target in _own_targets(imported)
        if target.split(".")[0] != module.top and RANKS[target.split(".")[0]] >= RANKS[module.top]
    ]
    assert not wrong, "\n".join(wrong)


def test_within_a_package_imports_have_no_cycle_and_base_imports_no_sibling() -> None:
    """Rule 1, inside a package: `base` is what the others stand on, and nobody stands in a circle."""
    graph: dict[str, set[str]] = {}
    wrong = []
    for module in hand_written():
        if module.top == "__init__":
            continue
        for imported in imports(module):
            if not imported.runs:
                continue
            for target in _own_targets(imported):
                if target.split(".")[0] != module.top or target == module.name:
                    continue
                if module.name == f"{module.top}.base":
                    wrong.append(f"{module.where(imported.line)} imports its sibling {target}")
                # A package's __init__ gathers names for users; its modules do not import it.
                graph.setdefault(module.name, set()).add(target)
    assert not wrong, "\n".join(wrong)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(error.args[1])}")


def test_pure_modules_import_no_io_no_clock_and_no_event_loop() -> None:
    """Rule 2: parsers, deciders and data can be tested with values alone."""
    wrong = [
        f"{module.where(imported.line)} imports {imported.module}"
        for module in modules()
        if module.top in PURE
        for imported in imports(module)
        if imported.runs and imported.module.split(".")[0] in IMPURE_IMPORTS
    ]
    assert not wrong, "\n".join(wrong)


def test_resources_know_a_caller_and_not_the_engine() -> None:
    """Rule 3: generated namespaces and the engine do not import each other."""
    wrong = [
        f"{module.where(imported.line)} imports {target}"
        for module in modules()
        for imported in imports(module)
        if imported.runs
        for target in _own_targets(imported)
        if (module.top == "resources" and target.split(".")[0] in {"_engine", "transport", "client"})
        or (module.top == "_engine" and target.split(".")[0] == "resources")
    ]
    assert not wrong, "\n".join(wrong)


def test_nobody_imports_an_event_loop() -> None:
    """Rule 4: everything goes through anyio, also for type checkers."""
    wrong = [
        f"{module.where(imported.line)} imports {imported.module}"
        for module in modules()
        for imported in imports(module)
        if imported.module.split(".")[0] in {"asyncio", "trio", "curio"}
    ]
    assert not wrong, "\n".join(wrong)


def test_task_groups_are_opened_in_one_module() -> None:
    """Rule 5: `_tasks.py` is the place where grouped errors are unwrapped, so everybody goes through it."""
    wrong = [
        f"{module.where(node.lineno)} opens a task group"
        for module in hand_written()
        if module.name != "_tasks"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and _dotted(node.func).split(".")[-1] in {"create_task_group", "open_nursery", "TaskGroup", "create_task"}
    ]
    assert not wrong, "\n".join(wrong)


def _caught(node: ast.ExceptHandler) -> Iterator[str]:
    if node.type is None:
        return
    for part in node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]:
        yield _dotted(part)


def _foreign_handlers(module: Module) -> Iterator[tuple[ast.ExceptHandler, str]]:
    """Give the handlers that catch an error of the network, with that error's name."""
    foreign = {
        name: f"{imported.module}.{name}"
        for imported in imports(module)
        if imported.module.split(".")[0] in NETWORK_ERROR_PACKAGES
        for name in imported.names
    }
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler):
            for name in _caught(node):
                full = foreign.get(name.split(".")[0], name)
                if full in NETWORK_ERROR_BUILTINS or full.split(".")[0] in NETWORK_ERROR_PACKAGES:
                    yield node, full


def test_network_errors_are_caught_in_the_transport_only() -> None:
    """Rule 5: above the transport there are no sockets, so nobody expects their errors."""
    wrong = [
        f"{module.where(handler.lineno)} catches {name}"
        for module in hand_written()
        if RANKS[module.top] in range(3, 10) and module.top != "transport" and module.name not in FILE_OWNERS
        for handler, name in _foreign_handlers(module)
    ]
    assert not wrong, "\n".join(wrong)


def _calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _dotted(node.func).split(".")[-1] in names:
            yield node


def test_network_errors_become_ours_in_one_module() -> None:
    """Rule 5: what a socket or a library raised is put into words in `transport/failures.py`, or for the adapters in one more."""
    wrong = [
        f"{module.where(call.lineno)} makes a TransportFailure from {name}"
        for module in hand_written()
        if module.top == "transport" and module.name not in PUT_INTO_WORDS
        for handler, name in _foreign_handlers(module)
        for statement in handler.body
        for call in _calls(statement, {"TransportFailure"})
    ]
    assert not wrong, "\n".join(wrong)


def test_public_errors_about_requests_are_made_in_one_module() -> None:
    """Rule 5: which public exception a failure becomes is one table, in `_engine/mapping.py`."""
    wrong = [
        f"{module.where(call.lineno)} makes {_dotted(call.func)}"
        for module in hand_written()
        if RANKS[module.top] in range(1, 10) and module.name != "_engine.mapping"
        for call in _calls(module.tree, REQUEST_ERRORS)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_environment_is_read_at_the_edges_only() -> None:
    """Rule 5: proxies, certificates, keys and log levels reach the inner layers as values."""
    wrong = []
    for module in hand_written():
        if module.top in READS_ENVIRONMENT:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and _dotted(node) in {"os.environ", "os.environb", "os.getenv"}:
                wrong.append(f"{module.where(node.lineno)} reads {_dotted(node)}")
        wrong += [
            f"{module.where(imported.line)} imports {name} from os"
            for imported in imports(module)
            if imported.module == "os"
            for name in imported.names
            if name in {"environ", "environb", "getenv"}
        ]
    assert not wrong, "\n".join(wrong)


def test_every_hand_written_module_opens_with_what_lives_there() -> None:
    """A module's docstring is one sentence for the reader who looks for the right file."""
    wrong = [module.where(1) for module in hand_written() if not (ast.get_docstring(module.tree) or "").strip()]
    assert not wrong, "\n".join(wrong)


# A line of the page's layout: two spaces, a module or package, what it is for, and the rank at the end.
_LAYOUT_LINE = re.compile(r"^  (?P<name>[a-z_]+)(?:\.py|/) .*?\s(?P<rank>\d+)$")
_LAYOUT_MODULE = re.compile(r"^    (?P<name>[a-z_0-9]+)(?:\.py|/)(?: |$)")


def layout() -> tuple[dict[str, int], set[str]]:
    """Read the architecture page: ranks by top-level name, and every module that it names."""
    ranks: dict[str, int] = {}
    named: set[str] = set()
    block = PAGE.read_text("utf-8").split("```text\nsrc/anyopenai/\n", 1)[1].split("```", 1)[0]
    top = ""
    for line in block.splitlines():
        if match := _LAYOUT_LINE.match(line):
            top = match["name"]
            ranks[top] = int(match["rank"])
            named.add(top)
        elif match := _LAYOUT_MODULE.match(line):
            named.add(f"{top}.{match['name']}")
        else:
            assert not line.strip(), f"a line of the layout that cannot be read: {line!r}"
    return ranks, named


def test_the_architecture_page_shows_these_ranks() -> None:
    """The page that readers start from says what the test enforces."""
    shown, _ = layout()
    existing = {module.top for module in modules()}
    assert shown == {name: rank for name, rank in RANKS.items() if name in existing}


def test_the_architecture_page_names_every_hand_written_module() -> None:
    """The page has no module that does not exist, and the code none that the page does not explain."""
    _, named = layout()
    existing = {module.name for module in hand_written()} | GENERATED & {module.top for module in modules()}
    # Deeper modules are the business of their own package's docstring.
    assert named == {name for name in existing if name.count(".") <= 1}
