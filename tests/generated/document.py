"""The API as one OpenAPI document for a mock server: the official description, and our facts on what it lacks.

It says more than the description where a server would let pass what the API does not mean: a body has no members but
those described, lists in queries have brackets after their names, fixed headers are required, and of a form and JSON
a method sends the one that the facts name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from anyopenai_codegen.description import at_pointer
from anyopenai_codegen.facts import Facts
from anyopenai_codegen.notation import expanded
from generated.schemas import COMPONENT, Schema, Schemas

BINARY = "application/octet-stream"
EVENTS = "text/event-stream"
FORM = "multipart/form-data"
JSON = "application/json"


class Document:
    """The whole API.

    Attributes:
        schemas: Its components. Those of our tables have the table's name before their own: both may name one alike.
        whole: The document.
    """

    def __init__(self, official: Mapping[str, Any], facts: Facts) -> None:
        self._facts = facts
        copy: dict[str, Any] = json.loads(json.dumps(official))
        self._official = {entry["operationId"]: entry for verbs in copy["paths"].values() for entry in verbs.values()}
        self._components = frozenset(copy["components"]["schemas"])
        self.schemas = Schemas(copy["components"]["schemas"])
        for table, short in (("sdk", facts.supplement["schemas"]), ("patch", facts.patches["schemas"])):
            self.schemas.update({f"{table}.{name}": self._expanded(schema, table) for name, schema in short.items()})
        for pointer, members in [*facts.patches["response"].items(), *facts.patches["param"].items()]:
            # What only our own table describes stands under that table's name.
            known = pointer.partition("/")[0] in self.schemas
            owner = at_pointer(self.schemas, pointer if known else f"sdk.{pointer}")
            own = {name.removesuffix("?"): self._expanded(schema, "patch") for name, schema in members.items()}
            owner.setdefault("properties", {}).update(own)
            owner["required"] = [one for one in owner.get("required", ()) if f"{one}?" not in members]
        self._paths: dict[str, str] = {}
        self.whole: dict[str, Any] = {
            "openapi": "3.1.0",
            "info": {"title": "API", "version": str(copy["info"]["version"])},
            "paths": {},
            "components": {"schemas": self.schemas},
        }
        for dotted in facts.operations:
            self._add(dotted)

    def operation(self, dotted: str) -> dict[str, Any]:
        """Return what the document says of a method."""
        verb, path = self.place(dotted)
        found: dict[str, Any] = self.whole["paths"][path][verb.lower()]
        return found

    def place(self, dotted: str) -> tuple[str, str]:
        """Return a method's verb, and its path as the document has it."""
        facts = self._facts.operations[dotted]
        return facts["verb"], self._paths[_template(facts["path"])]

    def _expanded(self, short: Any, table: str) -> Schema:
        """Return the schema of a short form; what it refers to is in the same table, else official, else added."""
        tables = {"sdk": self._facts.supplement["schemas"], "patch": self._facts.patches["schemas"]}

        def pointed(value: Any) -> Any:
            if isinstance(value, list):
                return [pointed(item) for item in value]
            if not isinstance(value, dict):
                return value
            if "$ref" not in value:
                return {key: pointed(member) for key, member in value.items()}
            name = value["$ref"].removeprefix(COMPONENT)
            if name in tables[table]:
                return {"$ref": f"{COMPONENT}{table}.{name}"}
            return {"$ref": f"{COMPONENT}{name if name in self._components else f'sdk.{name}'}"}

        schema: Schema = pointed(expanded(short))
        return schema

    def _add(self, dotted: str) -> None:
        """Add a method's operation, or to that of another method what this one has beside it."""
        facts = self._facts.operations[dotted]
        source = self._official[facts["operation"]] if "operation" in facts else self._supplemented(dotted)
        path = self._paths.setdefault(_template(facts["path"]), facts["path"])
        verbs = self.whole["paths"].setdefault(path, {})
        operation = verbs.setdefault(facts["verb"].lower(), {"operationId": dotted, "parameters": []})
        known = {parameter["name"] for parameter in operation["parameters"]}
        operation["parameters"] += [new for new in self._parameters(dotted, path, source) if new["name"] not in known]
        if "body" in facts:
            operation["requestBody"] = self._body(dotted, source)
        operation["responses"] = self._answers(dotted, source)

    def _supplemented(self, dotted: str) -> dict[str, Any]:
        """Return an operation that the official description lacks, in the form of its own."""
        short = self._facts.supplement["operations"][dotted]

        def content(media: str, word: str) -> dict[str, Any]:
            return {media: {"schema": self._expanded(short[word], "sdk")}} if word in short else {}

        return {
            "parameters": [
                {
                    "name": name.removesuffix("?"),
                    "in": place,
                    "required": not name.endswith("?"),
                    "schema": self._expanded(schema, "sdk"),
                }
                for place in ("query", "header")
                for name, schema in short.get(place, {}).items()
            ],
            "requestBody": {"content": content(short.get("form", JSON), "body")},
            "responses": {
                "200": {"content": content(JSON, "answer") | content(EVENTS, "events") | content(BINARY, "content")}
            },
        }

    def _lacking(self, dotted: str, place: str) -> dict[str, Schema]:
        """Return the arguments of a method that its description lacks."""
        tables = (self._facts.patches["params"], self._facts.overlay.get("parameters", {}))
        here = {entry.rstrip("!") for entry in self._facts.operations[dotted].get(place, ())}
        return {
            name: self._expanded(short, "patch")
            for table in tables
            for name, short in table.get(dotted, {}).items()
            if name in here
        }

    def _parameters(self, dotted: str, path: str, source: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        given: list[dict[str, Any]] = source.get("parameters", [])
        # Path arguments are told apart by their order: the description calls some of them differently.
        in_path = [parameter["schema"] for parameter in given if parameter["in"] == "path"]
        for number, name in enumerate(re.findall(r"\{(\w+)\}", path)):
            schema = in_path[number] if number < len(in_path) else {"type": "string"}
            yield {"name": name, "in": "path", "required": True, "schema": schema}
        known = {parameter["name"].removesuffix("[]") for parameter in given}
        lacking = self._lacking(dotted, "query").items()
        added = [{"name": name, "in": "query", "schema": schema} for name, schema in lacking if name not in known]
        for parameter in [*given, *added]:
            if parameter["in"] != "path":
                yield self._spelt(
                    {key: parameter[key] for key in parameter if key in ("name", "in", "required", "schema")}
                )
        for name, value in self._facts.operations[dotted].get("headers", {}).items():
            if name != "Accept":  # which OpenAPI leaves to the content types of the answer
                yield {"name": name, "in": "header", "required": True, "schema": {"const": value}}

    def _spelt(self, parameter: dict[str, Any]) -> dict[str, Any]:
        """Return a parameter that says how lists and objects are spelt in a query."""
        kinds = {variant.get("type") for variant in self.schemas.variants(parameter["schema"])}
        if parameter["in"] == "query" and "array" in kinds:
            parameter["name"] = f"{parameter['name'].removesuffix('[]')}[]"
        if parameter["in"] == "query" and "object" in kinds:
            parameter |= {"style": "deepObject", "explode": True}
        return parameter

    def _body(self, dotted: str, source: Mapping[str, Any]) -> dict[str, Any]:
        facts, body = self._facts.operations[dotted], source["requestBody"]
        wanted, other = (FORM, JSON) if facts.get("multipart") else (JSON, FORM)
        content = {**body["content"], wanted: dict(body["content"].get(wanted) or body["content"][other])}
        content.pop(other, None)
        variants = [self.schemas.flat(variant) for variant in self.schemas.variants(content[wanted]["schema"])]
        for variant in variants:
            members = variant["properties"]
            members |= self._lacking(dotted, "body")
            if wanted == FORM:
                spelt = content[wanted].get("encoding", {})
                files = facts.get("files", ())
                members |= {name: self._part(members[name], name in files, spelt.get(name, {})) for name in members}
        content[wanted]["schema"] = variants[0] if len(variants) == 1 else {"anyOf": variants}
        return {"required": bool(body.get("required")), "content": content}

    def _part(self, schema: Schema, is_file: bool, encoding: Mapping[str, str]) -> Schema:
        """Return a member of a form: a file is nothing else, the text of a number is one, and so is JSON."""
        if encoding.get("contentType") == JSON:
            return {"type": "string", "contentMediaType": JSON, "contentSchema": schema}
        variants = list(self.schemas.variants(schema))
        if is_file:
            variants = [one for one in variants if "binary" in (one.get("format"), one.get("items", {}).get("format"))]
        return {"anyOf": [self._texts(one) for one in variants]} if len(variants) > 1 else variants[0]

    def _texts(self, schema: Schema) -> Schema:
        """Return a schema that takes the text of each number: the mock leaves texts in unions as they came."""
        schema = dict(self.schemas.resolved(schema))
        if schema.get("type") in ("boolean", "integer", "number"):
            return {"type": [schema["type"], "string"]}
        for word in ("anyOf", "oneOf"):
            if word in schema:
                schema[word] = [self._texts(branch) for branch in schema[word]]
        if "properties" in schema:
            schema["properties"] = {name: self._texts(member) for name, member in schema["properties"].items()}
        return schema

    def _answers(self, dotted: str, source: Mapping[str, Any]) -> dict[str, Any]:
        answers = {
            status: {"description": "", "content": dict(answer.get("content", {}))}
            for status, answer in source["responses"].items()
            if status.startswith("2")
        }
        facts = self._facts.operations[dotted]
        content = next(iter(answers.values()))["content"]
        if facts.get("returns") == "binary" and not content:
            content[BINARY] = {"schema": {"type": "string"}}
        if "event" in facts:
            schema = content[EVENTS]["schema"] if EVENTS in content else self._named(dotted, facts["event"])
            content[EVENTS] = {"schema": schema, "example": self._stream(schema, bool(facts.get("named_events")))}
        return answers

    def _stream(self, schema: Schema, named: bool) -> list[dict[str, Any]]:
        """Return a stream with one event, and what says that it is complete."""
        events = (self.schemas.value(variant) for variant in self.schemas.variants(schema))
        event: dict[str, Any] = next(event for event in events if "error" not in event)
        if not named:
            event = {"event": event.get("type"), "data": event}
        return [{"id": None, **event}, {"event": "done", "id": None, "data": "[DONE]"}]

    def _named(self, dotted: str, name: str) -> Schema:
        """Return the schema that users know by a name."""
        twin = self._facts.overlay.get("events", {}).get(dotted)
        if twin:
            return self._expanded(self._facts.supplement["operations"][twin]["events"], "sdk")
        for pointer, known in self._facts.known["response"].items():
            if known.name == name and pointer in self._components:
                return {"$ref": f"{COMPONENT}{pointer}"}
        return {"$ref": f"{COMPONENT}{name}"}


def _template(path: str) -> str:
    """Return a path without the names of its arguments: methods that share it may call them differently."""
    return re.sub(r"\{\w+\}", "{}", path)
