"""A module's text: imports that never clash, and docstrings that hold."""

from __future__ import annotations

import ast

from hypothesis import assume, given
from hypothesis import strategies as st

from anyopenai_codegen.source import Module, docstring, literal


def test_relative_imports_lead_where_they_should() -> None:
    module = Module("types.chat.chat_completion", "x")
    assert module.relative(".types.shared.reasoning") == "..shared.reasoning"
    assert module.relative(".types.chat.part") == ".part"
    assert module.relative("._codec") == "..._codec"
    assert module.relative("typing") == "typing"
    package = Module("types.chat", "x", is_package=True)
    assert package.relative(".types.chat.part") == ".part"
    assert package.relative(".types.shared.reasoning") == "..shared.reasoning"


def test_a_name_that_is_taken_is_reached_through_its_module() -> None:
    module = Module("types.a.one", "x", local={"Choice"})
    assert module.use(".types.a.two", "Choice") == "two.Choice"
    assert module.use(".types.a.three", "Other") == "Other"
    assert module.use(".types.b.three", "Other") == "three.Other"
    assert module.use(".types.c.three", "Other") == "_three.Other"
    assert module.use(".types.a.one", "Choice") == "Choice"
    text = module.text("# banner")
    assert "from . import two" in text
    assert "from ..c import three as _three" in text
    ast.parse(text)


def test_what_only_type_checkers_need_is_not_imported_at_run_time() -> None:
    module = Module("resources.x", "x")
    module.use("collections.abc", "Iterable", static=True)
    module.use(".types.model", "Model", static=True)
    module.use(".types.model", "Model")
    text = module.text("# banner")
    runtime, _, static = text.partition("if TYPE_CHECKING:")
    assert "import Model" in runtime
    assert "import Iterable" in static
    assert "import Model" not in static


def test_modules_that_need_each_other_are_imported_last() -> None:
    module = Module("types.a.one", "x")
    assert module.use(".types.a.two", "B", qualified=True) == "two.B"
    module.body.append("class A:\n    b: two.B\n")
    text = module.text("# banner")
    assert text.index("class A") < text.index("from . import two")


def test_names_are_given_away_for_users_to_import() -> None:
    module = Module("types.a.one", "x", local={"A"})
    assert module.give_away(".types.a.two", "B")
    assert not module.give_away(".types.a.two", "A")
    assert "from .two import B as B" in module.text("# banner")


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1), min_size=1)
)
def test_docstrings_are_source(lines: list[str]) -> None:
    assume(lines[0].strip())
    tree = ast.parse(f"class A:\n{docstring(chr(10).join(lines))}\n")
    assert ast.get_docstring(tree.body[0])  # type: ignore[arg-type]


@given(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.integers(), st.booleans(), st.none()))
def test_literals_are_what_they_say(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value
