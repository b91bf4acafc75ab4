"""Tests of generated code that read the generator's tables find it as the tests of the generator do."""

from __future__ import annotations

import codegen.conftest  # noqa: F401  # importing it is what puts the generator on the path
