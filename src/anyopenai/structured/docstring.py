"""What a function's docstring says: of the function, and of each parameter; the function itself is not looked at.

The usual styles are read: Google's (`Args:`), NumPy's (a line of dashes below `Parameters`) and Sphinx's (`:param x:`).
"""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Final, NamedTuple

__all__ = ("Said", "read_docstring")

_GOOGLE: Final = re.compile(
    r"(Args|Arguments|Parameters|Params|Returns|Return|Yields|Raises|Examples?|Notes?|Attributes|Source|See Also):\s*$"
)
_GOOGLE_ITEM: Final = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_NUMPY_ITEM: Final = re.compile(r"(\w+)\s*(?::.*)?$")
_SPHINX: Final = re.compile(r":(\w+)(?:\s+(?:[^:]*\s)?(\w+))?\s*:\s*(.*)$")
_OF_PARAMETERS: Final = frozenset({"Args", "Arguments", "Parameters", "Params"})


class Said(NamedTuple):
    """What a docstring says.

    Attributes:
        summary: Of the function, everything before the first section, its lines joined within paragraphs.
        parameters: Of each parameter that is described.
    """

    summary: str
    parameters: dict[str, str]


def read_docstring(text: str | None) -> Said:
    """Read a docstring of any of the usual styles; what has no known style is all summary."""
    lines = cleandoc(text or "").split("\n")
    summary: list[str] = []
    parameters: dict[str, list[str]] = {}
    section: str | None = None
    current: list[str] | None = None
    indent: int | None = None
    for number, line in enumerate(lines):
        bare = line.strip()
        level = len(line) - len(line.lstrip())
        following = lines[number + 1].strip() if number + 1 < len(lines) else ""
        underlined = bool(bare) and level == 0 and len(following) >= 3 and set(following) == {"-"}
        google = _GOOGLE.match(line)
        sphinx = _SPHINX.match(bare) if level == 0 else None
        if google is not None or underlined:
            section = google[1] if google is not None else bare
            current, indent = None, None
        elif sphinx is not None:
            section = "sphinx"
            current = None
            if sphinx[1] in ("param", "parameter", "arg", "argument") and sphinx[2]:
                current = parameters.setdefault(sphinx[2], [sphinx[3]])
        elif section is None:
            summary.append(bare)
        elif section == "sphinx":
            if current is not None and level > 0:
                current.append(bare)
        elif section in _OF_PARAMETERS and bare and set(bare) != {"-"}:
            indent = level if indent is None else indent
            if level <= indent:
                item = _GOOGLE_ITEM.match(bare) if indent > 0 else _NUMPY_ITEM.match(bare)
                words = [item[2]] if item is not None and indent > 0 else []
                current = None if item is None else parameters.setdefault(item[1], words)
            elif current is not None:
                current.append(bare)
    return Said(_joined(summary), {name: " ".join(words).strip() for name, words in parameters.items() if any(words)})


def _joined(lines: list[str]) -> str:
    """Join the lines of each paragraph."""
    paragraphs = "\n".join(lines).strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).strip()
