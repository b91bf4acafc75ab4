"""What sessions are told of the type of an answer: the agents API's own form of a JSON schema; nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from .._omit import Omit
from ..errors import UnsupportedSchemaError
from ..structured.formats import asked_for
from ..structured.output import Output, output_of

if TYPE_CHECKING:
    from ..types.beta.agents.session_create_params import Agent
    from ..types.beta.text_format_param import TextFormatParamJSONSchema

__all__ = ("agent_text_format", "asked_output", "object_schema", "with_output")


def agent_text_format(output_type: type[object] | Output[object] | Mapping[str, object]) -> TextFormatParamJSONSchema:
    """Return what `agent={"text": {"format": ...}}` asks for a type with.

    Args:
        output_type: A Struct, dataclass, TypedDict, attrs class or pydantic model, an `Output`, or a JSON schema.

    Raises:
        UnsupportedSchemaError: The type has no form in the schemas that the API takes.
    """
    output = asked_output(output_type)
    if output is None:
        raise UnsupportedSchemaError("agent_text_format() takes a type, not None", path="output_type")
    return {"type": "json_schema", "schema": object_schema(output.schema, output.name)}


def asked_output(output_type: Any, *, strict: bool = True) -> Output[Any] | None:
    """Return what `output_type=` asks for; None where it is left out.

    Args:
        output_type: A type, an `Output`, a JSON schema, or nothing.
        strict: Whether the API is to keep to it; where nothing is sent, more types can be read.

    Raises:
        UnsupportedSchemaError: Nothing can be asked for in such a form.
    """
    if output_type is None or isinstance(output_type, Omit):
        return None
    output = asked_for(output_type, parameter="output_type") if strict else _read_as(output_type)
    if output is None:
        raise UnsupportedSchemaError(
            f"output_type={output_type!r} says itself which form it is; give a type, or agent.text.format",
            path="output_type",
        )
    return output


def _read_as(output_type: Any) -> Output[Any] | None:
    if isinstance(output_type, str | bytes | int | float | list | tuple):
        return asked_for(output_type, parameter="output_type")
    return output_of(output_type, strict=False)


def object_schema(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a schema whose outermost part is the object itself, not a reference to it.

    Args:
        schema: A JSON schema.
        name: What it is of, for messages.

    Raises:
        UnsupportedSchemaError: It is no object.
    """
    found = dict(schema)
    seen: set[str] = set()
    while isinstance(reference := found.get("$ref"), str) and reference not in seen:
        seen.add(reference)
        definitions: Mapping[str, Mapping[str, Any]] = schema.get("$defs", {})
        target = definitions.get(reference.removeprefix("#/$defs/"), {})
        found = {**target, **{key: value for key, value in found.items() if key != "$ref"}}
    if found.get("type") != "object" or "anyOf" in found or "oneOf" in found or "allOf" in found:
        raise UnsupportedSchemaError(
            f"{name} is no object, which the API asks for; make it a member of a class", path=name
        )
    definitions = found.pop("$defs", {})
    used = _used(found, definitions)
    return {**found, "$defs": used} if used else found


def _used(found: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the definitions that a schema leads to."""
    used: dict[str, Any] = {}
    todo: list[Any] = [found]
    for part in todo:
        if isinstance(part, dict):
            members = cast("dict[str, Any]", part)
            name = str(members.get("$ref", "")).removeprefix("#/$defs/")
            if name in definitions and name not in used:
                used[name] = definitions[name]
                todo.append(used[name])
            todo += members.values()
        elif isinstance(part, list):
            todo += part
    return used


def with_output(agent: Agent | Omit, output: Output[Any] | None) -> Agent | Omit:
    """Return an agent's settings that ask for a type.

    Raises:
        ValueError: They ask for another form already.
    """
    if output is None:
        return agent
    settings: Mapping[str, Any] = {} if isinstance(agent, Omit) else cast("Mapping[str, Any]", agent)
    text: Mapping[str, Any] = settings.get("text") or {}
    if text.get("format") is not None:
        raise ValueError("agent.text has a format, and output_type asks for another; give one of the two")
    asked = {**settings, "text": {**text, "format": agent_text_format(output)}}
    return cast("Agent", asked)
