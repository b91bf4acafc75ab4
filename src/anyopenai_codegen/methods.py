"""Joins the facts of `operations.json` with the description: each method's parameters and results, with their shapes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from .description import Description
from .facts import Facts, snake
from .naming import attribute
from .notation import DescriptionError, expanded
from .reading import Reader, limits
from .shapes import (
    NO_LIMITS,
    Alias,
    Either,
    Limits,
    Listed,
    Member,
    Named,
    Object,
    Scalar,
    Shape,
    either,
    inner,
    without_none,
)

Place = Literal["path", "query", "body", "header"]

# Members of `RequestOptions` that openai-python has as parameters of single methods.
OPTIONS = frozenset({"idempotency_key"})


@dataclass(frozen=True)
class Parameter:
    """One argument of a method.

    Attributes:
        name: Its name in Python.
        wire: Its name in the request.
        place: Where it goes.
        required: Whether it must be given.
        shape: Its type.
        limits: What else is known of it.
        keyword: Path arguments: whether it is given by name only.
    """

    name: str
    wire: str
    place: Place
    required: bool
    shape: Shape
    limits: Limits = NO_LIMITS
    keyword: bool = True


@dataclass(frozen=True)
class Kind:
    """One of several sets of arguments that a method takes, told apart by the value of one of them.

    Attributes:
        member: The argument that tells them apart.
        value: Its value here.
        required: The arguments that must be given, those of the path aside.
        optional: Arguments that only this kind may have.
    """

    member: str
    value: str
    required: tuple[str, ...]
    optional: tuple[str, ...]

    def takes(self, name: str) -> bool:
        """Whether an argument belongs to this kind."""
        return name in self.required or name in self.optional


@dataclass
class Method:
    """One method of a namespace.

    Attributes:
        dotted: Name below the client, such as `chat.completions.create`.
        facts: Its entry in `operations.json`.
        parameters: Path arguments first, then the required ones, then the rest.
        returns: The answer's type; None where there is none, or it is bytes or text.
        answer: How the body of the answer is read.
        page: The page class; the answer's type is then that of one item.
        event: The type of a streamed event.
        body: The object that holds the body's members.
        kinds: The kinds of calls, each with arguments of its own; empty where all arguments go together.
        parts: Media types of a form's members that are not files.
        alone: The one of them that may be the whole body.
        spelt: Members of the body that users spell in another way than JSON, at their place.
    """

    dotted: str
    facts: dict[str, Any]
    parameters: list[Parameter] = field(default_factory=list[Parameter])
    returns: Shape | None = None
    answer: Literal["json", "binary", "text", "none"] = "json"
    page: str | None = None
    event: Shape | None = None
    body: Shape | None = None
    kinds: list[Kind] = field(default_factory=list[Kind])
    parts: dict[str, str] = field(default_factory=dict[str, str])
    alone: str | None = None
    spelt: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def namespace(self) -> str:
        """The dotted name of what it is a method of."""
        return self.dotted.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its name there."""
        return self.dotted.rpartition(".")[2]


class Methods:
    """Reads methods; both readers then know every type that the methods refer to."""

    def __init__(self, description: Description, facts: Facts) -> None:
        self._description = description
        self._facts = facts
        kept = facts.overlay.get("kept_enums", ())
        self.answers = Reader(description, "response", facts.known["response"], kept)
        self.requests = Reader(description, "param", facts.known["param"], kept)
        self.answer_roots: list[str] = []
        self.request_roots: list[str] = []
        self.near: dict[str, str] = {}
        self.answer_homes: dict[str, str] = {}
        self.request_homes: dict[str, str] = {}
        self.made_by: dict[str, list[str]] = {}
        self.taken_by: dict[str, list[str]] = {}

    def read(self, dotted: str) -> Method:
        """Read one method."""
        facts = self._facts.operations[dotted]
        operation = self._description.operations.get(facts.get("operation", dotted))
        if operation is None:
            raise DescriptionError(f"the description has no operation {facts.get('operation', dotted)!r} for {dotted}")
        method = Method(dotted, facts)
        self._read_parameters(method, operation)
        self._read_answer(method, operation)
        self._read_kinds(method)
        self._read_arguments(method)
        return method

    def read_beside(self, packages: Mapping[str, Collection[str]]) -> None:
        """Read what packages of types have although no method refers to it: the events of sockets and of webhooks.

        Args:
            packages: The names that each package gives.
        """
        for reader, roots in ((self.answers, self.answer_roots), (self.requests, self.request_roots)):
            for pointer, known in reader.known.items():
                own = next((module for module in known.modules if module.rpartition(".")[2] == snake(known.name)), "")
                if pointer not in reader.components or known.name not in packages.get(own.rpartition(".")[0], ()):
                    continue
                if reader is self.requests and known.name.endswith("Params"):
                    continue  # a method's arguments, which its other form has named
                for part in inner(reader.component(pointer)):
                    if isinstance(part, Named) and part.key not in roots:
                        roots.append(part.key)

    def _read_parameters(self, method: Method, operation: dict[str, Any]) -> None:
        facts = method.facts
        by_hand = self._facts.overlay.get("parameters", {}).get(method.dotted, {})
        patches = {**self._facts.patches["params"].get(method.dotted, {}), **by_hand}
        by_name = {attribute(_plain(entry["name"])): entry for entry in operation.get("parameters", ())}
        path = re.findall(r"\{(\w+)\}", facts["path"])
        in_path = [entry for entry in operation.get("parameters", ()) if entry["in"] == "path"]
        for number, name in enumerate(path):
            # Path arguments are told apart by their order: the description calls some of them differently.
            known = limits(in_path[number]["schema"]) if number < len(in_path) else Limits()
            keyword = name in facts.get("keyword", ())
            method.parameters.append(Parameter(name, name, "path", True, Scalar("str"), known, keyword))
        method.parameters.sort(key=lambda parameter: parameter.keyword)
        members = self._body(method, operation) if "body" in facts else {}
        given: list[Parameter] = []
        places: tuple[Place, ...] = ("query", "body", "header")
        for place in places:
            for entry in facts.get(place, ()):
                name, required = entry.rstrip("!"), entry.endswith("!")
                if name in OPTIONS:
                    continue  # every method takes it as an option
                if place == "body" and name in members:
                    wire, shape, known = members[name]
                elif place != "body" and name in by_name and by_name[name]["in"] == place:
                    schema = self._widened(method, name, by_name[name]["schema"])
                    wire, known = _plain(by_name[name]["name"]), limits(schema)
                    shape = self.requests.read(schema, f"/{method.dotted}/{name}", (f"/{method.dotted}", name))
                elif name in patches:
                    schema = expanded(patches[name])
                    wire, known = name, limits(schema)
                    shape = self.requests.read(schema, f"/{method.dotted}/{name}", (f"/{method.dotted}", name))
                else:
                    raise DescriptionError(f"{method.dotted} takes {name!r} in its {place}, of which nothing is known")
                if place == "header":
                    wire = self._facts.overlay.get("headers", {}).get(name, wire)
                given.append(Parameter(name, wire, place, required, shape, known))
        by_keyword = [parameter for parameter in method.parameters if parameter.keyword]
        self._read_query(method, [*by_keyword, *(parameter for parameter in given if parameter.place != "body")])
        if method.body is not None:
            method.spelt = self._spellings(method.body)
        for parameter in given:
            self._root(parameter.shape, self.request_roots, method)
        method.parameters += sorted(given, key=lambda parameter: not parameter.required)

    def _widened(self, method: Method, name: str, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a list in a query, with the values that the description does not list."""
        more = self._facts.overlay.get("query_values", {}).get(f"{method.dotted}.{name}")
        items = schema.get("items", {})
        return {**schema, "items": {**items, "enum": [*items["enum"], *more]}} if more else schema

    def _read_kinds(self, method: Method) -> None:
        """Read the sets of required arguments of a method, where the overlay says that they differ."""
        told = self._facts.overlay.get("kinds", {}).get(method.dotted)
        if told is None:
            return
        path = [parameter.name for parameter in method.parameters if parameter.place == "path"]
        for (value, optional), form in zip(told["takes"].items(), method.facts["overloads"], strict=True):
            required = tuple(name for name in form["required"] if name not in path)
            method.kinds.append(Kind(told["member"], value, required, tuple(optional)))

    def _read_arguments(self, method: Method) -> None:
        """Declare the object of a method's arguments, where the overlay says that users know it as a type."""
        given = [one for one in method.parameters if one.place != "path" or one.keyword]
        if home := self._facts.overlay.get("arguments", {}).get(method.dotted):
            self._declare(method, f"/{method.dotted}/arguments", given, home)
        if method.dotted in self._facts.overlay.get("whole_bodies", ()):
            body = self.requests.declared[cast("Named", method.body).key]
            options = OPTIONS.intersection(method.facts.get("header", ()))
            given += [Parameter(name, name, "header", False, Scalar("str")) for name in options]
            cast("Object", body).members.update(_members(one for one in given if one.place != "body"))

    def _declare(self, method: Method, key: str, parameters: list[Parameter], home: str) -> None:
        self.requests.declared[key] = Object(key, _members(parameters))
        self.request_roots.append(key)
        self.request_homes[key] = home
        self.taken_by.setdefault(key, []).append(method.dotted)

    def _read_query(self, method: Method, parameters: list[Parameter]) -> None:
        """Declare the object of a method's arguments that no body has, which users know as a type too."""
        home = method.facts.get("query_type")
        if home and parameters and method.body is None:
            self._declare(method, f"/{method.dotted}/query", parameters, home)

    def _body(self, method: Method, operation: dict[str, Any]) -> dict[str, tuple[str, Shape, Limits]]:
        content = operation.get("requestBody", {}).get("content", {})
        wanted = "multipart/form-data" if method.facts.get("multipart") else "application/json"
        entry = content.get(wanted) or next(iter(content.values()), None)
        if entry is None:
            return {}
        if method.facts.get("multipart"):
            files = method.facts.get("files", ())
            # A file says itself what it is. Of several types that the API takes, the first one is sent.
            kinds = {name: kind.partition(",")[0] for name, kind in entry.get("encoding", {}).items()}
            method.parts = {name: kind for name, kind in kinds.items() if name not in files}
            whole = [name for name, kind in method.parts.items() if kind in content]
            method.alone = whole[0] if len(whole) == 1 else None
        at = f"/{method.dotted}/body"
        pointer = _pointer(method, "requestBody", wanted)
        shape = self.requests.read(entry["schema"], at, None, pointer)
        method.body = shape
        found: dict[str, tuple[str, Shape, Limits]] = {}
        alternatives = [part for part in _alternatives(self.requests, shape) if isinstance(part, Named)]
        for part in alternatives:
            declaration = self.requests.declared[part.key]
            assert isinstance(declaration, Object)
            if not part.key.startswith("/") or pointer in self._facts.known["param"]:
                self._root(part, self.request_roots, method)
                self.taken_by.setdefault(part.key, []).append(method.dotted)
            for member in declaration.members.values():
                name = attribute(member.wire)
                known = found.get(name)
                merged = either((known[1], member.shape)) if known else member.shape
                found[name] = (member.wire, merged, member.limits)
        return found

    def _spellings(self, shape: Shape, within: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return which members users spell in another way than JSON, at their place: `{"agent": {"async_": "async"}}`.

        Of an object within itself the first level is told.
        """
        found: dict[str, Any] = {}
        for part in inner(shape):
            if not isinstance(part, Named) or part.key in within:
                continue
            declaration = self.requests.declared[part.key]
            if isinstance(declaration, Alias):
                found |= self._spellings(declaration.shape, (*within, part.key))
                continue
            for member in declaration.members.values():
                below = self._spellings(member.shape, (*within, part.key))
                if below:
                    found[member.wire] = {**found.get(member.wire, {}), **below}
                if member.spelling:
                    found[member.spelling] = member.wire
        return found

    def _read_answer(self, method: Method, operation: dict[str, Any]) -> None:
        facts = method.facts
        returns = facts.get("returns")
        if "page" in facts:
            method.page = facts["page"]
            method.returns = self._item(method, operation)
        elif returns == "binary":
            method.answer = "binary"
        elif returns == "str":
            method.answer = "text"
        elif returns is None:
            method.answer = "none"
        else:
            method.returns = self._content(method, operation, "application/json", str(returns))
        if "event" in facts:
            twin = self._facts.overlay.get("events", {}).get(method.dotted)
            if twin:
                method.event = self.read(twin).event
            else:
                media = "application/json" if facts.get("always_streams") else "text/event-stream"
                method.event = self._content(method, operation, media, facts["event"])
        for shape, text in ((method.returns, method.dotted), (method.event, f"{method.dotted}(stream=True)")):
            if shape is not None:
                self._root(shape, self.answer_roots, method)
                if isinstance(shape, Named):
                    self.made_by.setdefault(shape.key, []).append(text)

    def _content(self, method: Method, operation: dict[str, Any], media: str, name: str) -> Shape:
        """Read an answer's schema; where the description has none, the component that users know by the name."""
        for status in ("200", "201", "202"):
            schema = operation["responses"].get(status, {}).get("content", {}).get(media, {}).get("schema")
            if schema:
                at = f"/{method.dotted}/{status}"
                shape = self.answers.read(schema, at, None, _pointer(method, f"responses/{status}", media))
                if not any(
                    place in self._facts.known["response"]
                    for place in (at, _pointer(method, f"responses/{status}", media))
                ):
                    # An answer described in place, and under no name: what openai-python's method returns says it.
                    package = method.namespace.rpartition(".")[0]
                    self.answer_homes[at] = f"{package}.{snake(name)}:{name}".lstrip(".")
                return without_none(shape)
        for pointer, known in self._facts.known["response"].items():
            if known.name == name and "/" not in pointer:
                return without_none(self.answers.component(pointer))
        if name in self._description.schemas["response"]:
            return without_none(self.answers.component(name))
        raise DescriptionError(f"{method.dotted} gives {name!r}, of which the description knows nothing")

    def _item(self, method: Method, operation: dict[str, Any]) -> Shape:
        page = self._content(method, operation, "application/json", str(method.facts["item"]))
        if isinstance(page, Named):
            declaration = self.answers.declared[page.key]
            if isinstance(declaration, Object) and "data" in declaration.members:
                data = without_none(declaration.members["data"].shape)
                if isinstance(data, Listed):
                    return data.item
                if isinstance(data, Named):
                    alias = self.answers.declared[data.key]
                    if not isinstance(alias, Object) and isinstance(alias.shape, Listed):
                        return alias.shape.item
        raise DescriptionError(f"{method.dotted} is paginated, but its answer has no list called `data`")

    def _root(self, shape: Shape, roots: list[str], method: Method) -> None:
        for part in inner(shape):
            if isinstance(part, Named) and part.key not in roots:
                roots.append(part.key)
                self.near.setdefault(part.key, method.namespace.rpartition(".")[0])


def _members(parameters: Iterable[Parameter]) -> dict[str, Member]:
    """Return arguments as members of the type that users spread; a header is called as its argument is."""
    called = ((one.name if one.place == "header" else one.wire, one) for one in parameters)
    return {name: Member(name, one.shape, one.required, one.limits) for name, one in called}


def _alternatives(reader: Reader, shape: Shape) -> list[Shape]:
    """Return the members of a union, named unions within it opened; of anything else, itself."""
    bare = without_none(shape)
    found: list[Shape] = []
    for member in bare.members if isinstance(bare, Either) else (bare,):
        declaration = reader.declared[member.key] if isinstance(member, Named) else None
        found += _alternatives(reader, declaration.shape) if isinstance(declaration, Alias) else [member]
    return found


def _pointer(method: Method, part: str, media: str) -> str:
    """Return where names.json says that an operation's inline schema stands."""
    path = method.facts["path"].replace("/", "~1")
    return f"/paths/{path}/{method.facts['verb'].lower()}/{part}/{media.replace('/', '~1')}"


def _plain(wire: str) -> str:
    return wire.removesuffix("[]")
