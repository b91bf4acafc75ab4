"""The command line: `python -m anyopenai_codegen PATH/openapi.json` writes, `python -m anyopenai_codegen --check` checks."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import facts, record
from .description import read
from .naming import NamingError
from .notation import DescriptionError
from .writing import write


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m anyopenai_codegen", description=__doc__)
    parser.add_argument("description", nargs="?", type=Path, help="the official OpenAPI description, JSON or YAML")
    parser.add_argument("--check", action="store_true", help="say whether the written code is stale or edited")
    given = parser.parse_args(arguments)
    if given.check:
        found = record.problems()
        for problem in found:
            print(problem, file=sys.stderr)
        if not found:
            print("generated code is what the generator wrote")
        return 1 if found else 0
    if given.description is None:
        parser.error("give the path of the official description, or --check")
    try:
        tables = facts.load()
        description = read(given.description, tables)
        written = write(description, tables)
    except (DescriptionError, NamingError, LookupError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    changed = record.put(written, description)
    print(f"{len(written.methods)} methods, {len(written.files)} files, {len(changed)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
