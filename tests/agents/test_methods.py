"""Hand-written methods beside what the API has: the same arguments, the same operations, every public name."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import anyopenai.agents
from anyopenai.agents.files import UPLOAD
from anyopenai.resources.beta.agents.sessions import Sessions
from anyopenai.resources.files import _CREATE as FILES_CREATE
from anyopenai.types.beta.agents.session_create_params import SessionCreateParams


def test_create_takes_what_the_api_takes() -> None:
    """Behaviour 386: a new argument of the API is one of the method."""
    create = inspect.signature(Sessions.create).parameters
    ours = {"self", "options", "output_type", "tool_handlers"}
    assert create.keys() - ours == SessionCreateParams.__annotations__.keys()
    for name, kind in SessionCreateParams.__annotations__.items():
        own = str(create[name].annotation).removesuffix(" | Omit")
        assert own == kind.__forward_arg__.removeprefix("Required[").removesuffix(
            "]" if "Required[" in kind.__forward_arg__ else ""
        ), name


def test_uploads_are_those_of_the_files_api() -> None:
    fields: Any = type(UPLOAD).__struct_fields__
    assert [getattr(UPLOAD, name) for name in fields] == [getattr(FILES_CREATE, name) for name in fields]


def test_every_public_name_is_there() -> None:
    for name in anyopenai.agents.__all__:
        assert getattr(anyopenai.agents, name) is not None
    assert dir(anyopenai.agents) == list(anyopenai.agents.__all__)
    with pytest.raises(AttributeError):
        _ = anyopenai.agents.nothing  # type: ignore[attr-defined]  # what is not there
