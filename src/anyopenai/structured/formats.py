"""What requests say about the form of the answer: `response_format` of chat completions, `text.format` of responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from .._omit import Omit
from ..errors import UnsupportedSchemaError
from .output import Output, output_of
from .schema import type_name

if TYPE_CHECKING:
    from ..types.responses.response_format_text_json_schema_config_param import ResponseFormatTextJSONSchemaConfigParam
    from ..types.shared_params.response_format_json_schema import ResponseFormatJSONSchema

__all__ = ("asked_for", "response_format_of", "text_format_of", "type_to_response_format_param")

T = TypeVar("T")

# What says itself which form it is, as `create()` takes it.
_FORMS: Final = ("text", "json_object", "json_schema", "grammar", "python")


def asked_for(given: Any, *, parameter: str) -> Output[Any] | None:
    """Return what a parameter asks for; None where it is left out, or is a form that is sent as it is.

    Args:
        given: A type, an `Output`, a JSON schema, a form such as `{"type": "json_object"}`, or nothing.
        parameter: Its name, for messages.

    Raises:
        UnsupportedSchemaError: Nothing can be asked for in such a form.
    """
    if given is None or isinstance(given, Omit):
        return None
    if isinstance(given, Mapping):
        members = cast("Mapping[str, object]", given)
        return None if members.get("type") in _FORMS else output_of(members)
    if isinstance(given, str | bytes | int | float | list | tuple):
        raise UnsupportedSchemaError(
            f"{parameter}={given!r} is no type and no schema; use a class, such as a msgspec Struct or a pydantic model",
            path=type_name(type(cast("object", given))),
        )
    return output_of(given)


def response_format_of(output: Output[Any]) -> ResponseFormatJSONSchema:
    """Return `response_format` of a chat completion that asks for an output."""
    asked: dict[str, Any] = {"name": output.name, "schema": output.schema, "strict": output.strict}
    if output.description is not None:
        asked["description"] = output.description
    return cast("ResponseFormatJSONSchema", {"type": "json_schema", "json_schema": asked})


def text_format_of(output: Output[Any]) -> ResponseFormatTextJSONSchemaConfigParam:
    """Return `text.format` of a response that asks for an output."""
    asked: dict[str, Any] = {
        "type": "json_schema",
        "name": output.name,
        "schema": output.schema,
        "strict": output.strict,
    }
    if output.description is not None:
        asked["description"] = output.description
    return cast("ResponseFormatTextJSONSchemaConfigParam", asked)


def type_to_response_format_param(kind: Any) -> ResponseFormatJSONSchema | Omit:
    """Return `response_format` for a type; a form that says itself what it is, and `omit`, are returned as they are.

    Raises:
        UnsupportedSchemaError: Nothing can be asked for in such a form.
    """
    output = asked_for(kind, parameter="response_format")
    if output is None:
        form: ResponseFormatJSONSchema | Omit = kind
        return form
    return response_format_of(output)
