"""The demo's input: docstrings of the running Python's standard library; nothing is embedded or printed here."""

from __future__ import annotations

import inspect
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Final

from anyio import from_thread, to_thread

from .items import Item

__all__ = ("collect",)

# Not imported: modules that print, open a window or a browser, change the terminal or the interpreter (from 3.13 on,
# pdb and doctest load readline), start a program, or are not meant to be read (tests, bundled tools).
SKIPPED: Final = frozenset(
    {
        "antigravity",
        "distutils",
        "ensurepip",
        "idlelib",
        "doctest",
        "lib2to3",
        "nt",
        "pdb",
        "pydoc_data",
        "readline",
        "rlcompleter",
        "sitecustomize",
        "test",
        "tests",
        "this",
        "tkinter",
        "turtle",
        "turtledemo",
        "usercustomize",
        "venv",
    }
)

# The longest docstrings are whole manuals (argparse, decimal); a model reads at most 8,192 tokens of one text.
MAX_CHARACTERS: Final = 8_000


async def collect() -> list[Item]:
    """Gather the docstrings of public modules, classes, methods and functions, each text once.

    Works in a worker thread, since importing holds up an event loop; cancelling ends it after the current module.
    """
    return await to_thread.run_sync(_collect)


def _collect() -> list[Item]:
    names: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # modules on their way out warn when they are imported
        for top in sorted(sys.stdlib_module_names):
            for module in _modules(top):
                from_thread.check_cancelled()
                for name, docstring in _docstrings(module):
                    text = inspect.cleandoc(docstring)[:MAX_CHARACTERS].strip()
                    # One object under many names: the shortest is the one that people know, as in asyncio.run.
                    if text and len(name) < len(names.get(text, name + " ")):
                        names[text] = name
    return [Item(name, text) for text, name in names.items()]


def _modules(name: str) -> Iterator[ModuleType]:
    """Import a public module and what lies below it; what this platform lacks is left out."""
    last = name.rpartition(".")[2]
    if last.startswith("_") or last in SKIPPED:
        return
    try:
        module = import_module(name)
    except (Exception, SystemExit):
        return
    yield module
    for below in pkgutil.iter_modules(getattr(module, "__path__", [])):
        yield from _modules(f"{name}.{below.name}")


def _docstrings(module: ModuleType) -> Iterator[tuple[str, str]]:
    if module.__doc__:
        yield module.__name__, module.__doc__
    public: object = getattr(module, "__all__", None)
    for name, value in list(vars(module).items()):
        # What a module gathers for its users counts as its own, as `os` gathers `posix`; what it merely uses does not.
        own = name in public if isinstance(public, list | tuple) else _home(value) == module.__name__
        if name.startswith("_") or not own:
            continue
        full_name = f"{module.__name__}.{name}"
        if inspect.isclass(value):
            yield from _of(full_name, value)
            for member_name, member in list(vars(value).items()):
                if not member_name.startswith("_") and _is_method(member):
                    yield from _of(f"{full_name}.{member_name}", member)
        elif inspect.isroutine(value):
            yield from _of(full_name, value)


def _of(name: str, value: object) -> Iterator[tuple[str, str]]:
    docstring = getattr(value, "__doc__", None)
    if isinstance(docstring, str):
        yield name, docstring


def _is_method(value: object) -> bool:
    return inspect.isroutine(value) or isinstance(value, property | classmethod | staticmethod)


def _home(value: object) -> object:
    """Name the module that an object says it comes from."""
    return getattr(value, "__module__", None)
