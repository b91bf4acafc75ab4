"""Writes the modules of requests: a TypedDict for each object, which takes the matching Struct in its place too."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import prose
from .naming import Home, Layout, camel
from .shapes import Alias, Choices, Either, Listed, Mapped, Member, Named, Object, Scalar, Shape, inner, without_none
from .source import Module, docstring, is_name, literal
from .structs import module_path

_SCALARS = {"str": "str", "int": "int", "float": "float", "bool": "bool", "None": "None", "time": "float"}
_BUILTINS = {"str", "int", "float", "bool", "object"}


@dataclass
class Params:
    """The modules of one run's requests.

    Attributes:
        layout: Where everything lives.
        answers: Where the answers' Structs live.
        accepts: Further answers that a union of requests takes, by its name.
        taken_by: Methods that take an object as their arguments, by key.
        cycles: Groups of modules that need one another.
        modules: What is written, by path below `types`.
        references: The declarations that each module refers to.
        answers_used: The answers' declarations that each module refers to.
    """

    layout: Layout
    answers: Layout
    accepts: Mapping[str, list[str]]
    taken_by: Mapping[str, list[str]]
    cycles: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    modules: dict[str, Module] = field(default_factory=dict[str, Module])
    references: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    answers_used: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    @property
    def links(self) -> dict[str, set[str]]:
        """Which modules each module needs."""
        found = {name: {self.layout.home(key).module for key in keys} for name, keys in self.references.items()}
        for name, keys in self.answers_used.items():
            found.setdefault(name, set()).update(self.answers.home(key).module for key in keys)
        return found

    def write(self) -> dict[str, Module]:
        """Write every module, and return them by their path below `types`."""
        kept = {
            key: declaration
            for key, declaration in self.layout.kept.items()
            if self.layout.find(self.layout.home(key).module, self.layout.home(key).name) == key
        }
        uses = prose.uses(self.layout)
        by_module: dict[str, list[str]] = {}
        for key in kept:
            by_module.setdefault(self.layout.home(key).module, []).append(key)
        for name, keys in by_module.items():
            module = Module(f"types.{name}", "")
            self.modules[name] = module
            for key in keys:
                module.local.add(self.layout.home(key).name)
        for name, keys in by_module.items():
            module = self.modules[name]
            own = camel(name.rpartition(".")[2]).lower()
            keys.sort(key=lambda key: self.layout.home(key).name.lower() != own)
            objects = [key for key in keys if isinstance(kept[key], Object)]
            first = self.layout.home(keys[0]).name
            module.title = f"`{first}`{' and its parts' if len(objects) > 1 else ''}, as requests take it."
            for key in objects:
                declaration = kept[key]
                assert isinstance(declaration, Object)
                module.body.append(self._typed_dict(module, key, declaration, uses.get(key, [])))
            for key in self.layout.in_order([key for key in keys if key not in objects]):
                declaration = kept[key]
                assert isinstance(declaration, Alias)
                module.body.append(self._alias(module, key, declaration))
        return self.modules

    def _typed_dict(self, module: Module, key: str, declaration: Object, uses: list[str]) -> str:
        name = self.layout.home(key).name
        base = module.use("typing", "TypedDict")
        called = {member.spelling or wire: member for wire, member in declaration.members.items()}
        plain = {own: member for own, member in called.items() if is_name(own) and not keyword.iskeyword(own)}
        odd = [member for own, member in called.items() if own not in plain]
        before = ""
        shadowed = set(plain) & _BUILTINS
        if odd:
            entries = ", ".join(
                f"{literal(member.wire)}: {literal(self._member(module, member, set()))}" for member in odd
            )
            before = f'_{name}Reserved = {base}("_{name}Reserved", {{{entries}}}, total=False)\n\n\n'
            base = f"_{name}Reserved"
        lines = [f"class {name}({base}, total=False):", docstring(self._about(key, name, uses)), ""]
        for own, member in plain.items():
            lines.append(f"    {own}: {self._member(module, member, shadowed)}")
            note = prose.said(member.limits, without_none(member.shape))
            if note:
                lines.append(f'    """{note}"""')
        return before + "\n".join(lines) + "\n"

    def _about(self, key: str, name: str, uses: list[str]) -> str:
        taken_by = self.taken_by.get(key, [])
        if taken_by:
            return prose.wrapped(
                f"The arguments of {prose.listing([f'`{method}`' for method in taken_by])}.", hanging=0
            )
        return prose.places(uses) or f"A `{name}` object."

    def _member(self, module: Module, member: Member, shadowed: set[str]) -> str:
        text = self.annotation(module, member.shape, shadowed)
        return f"{module.use('typing', 'Required')}[{text}]" if member.required else text

    def _alias(self, module: Module, key: str, declaration: Alias) -> str:
        home = self.layout.home(key)
        answers: list[str] = []
        if self._is_answer(key, Alias, home.module) and _has_objects(declaration.shape):
            answers.append(self._answer(module, key))
        plain = bool(answers)  # the answer's own union stands for each of its Structs
        text = self.annotation(module, declaration.shape, set(), alias=True, plain=plain)
        answers += [self._answer(module, self._answer_key(name)) for name in self.accepts.get(home.name, ())]
        parts = dict.fromkeys([*_parts(text), *answers])
        return f"{home.name}: {module.use('typing', 'TypeAlias')} = {' | '.join(parts)}"

    def _answer_key(self, name: str) -> str:
        key = self.answers.named(name)
        if key is None:
            raise LookupError(f"overlay.toml accepts {name!r}, which is no answer's type")
        return key

    def annotation(
        self,
        module: Module,
        shape: Shape,
        shadowed: set[str],
        *,
        static: bool = False,
        alias: bool = False,
        plain: bool = False,
    ) -> str:
        """Return a shape as an annotation that takes plain values, iterables and Structs.

        Args:
            module: Where it stands.
            shape: The shape.
            shadowed: Builtins that members of the same name hide.
            static: Only type checkers read it.
            alias: It is evaluated at once, as the value of an alias.
            plain: Leave Structs out.
        """
        options = {"static": static, "alias": alias, "plain": plain}
        match shape:
            case Scalar("file"):
                return module.use("._files", "FileTypes", static=static)
            case Scalar():
                name = _SCALARS.get(shape.kind, shape.kind)
                if name in shadowed:
                    return f"{module.use_module('builtins', static=static)}.{name}"
                return name
            case Choices():
                values = ", ".join(literal(value) for value in shape.values)
                return f"{module.use('typing', 'Literal', static=static)}[{values}]"
            case Listed():
                item = self.annotation(module, shape.item, shadowed, **options)
                text = isinstance(shape.item, Choices) or shape.item in (Scalar("str"), Scalar("file"))
                kind = "Sequence" if text or self._is_text(shape.item) else "Iterable"
                return f"{module.use('collections.abc', kind, static=static)}[{item}]"
            case Mapped():
                value = self.annotation(module, shape.value, shadowed, **options)
                return f"{module.use('collections.abc', 'Mapping', static=static)}[str, {value}]"
            case Named():
                return self._name(module, shape.key, **options)
            case Either():
                parts = [self.annotation(module, member, shadowed, **options) for member in shape.members]
                flat = dict.fromkeys(part for text in parts for part in _parts(text))
                if "None" in flat:
                    del flat["None"]
                    flat["None"] = None
                return " | ".join(flat)

    def _is_text(self, shape: Shape) -> bool:
        """Whether items are text: a lone text would be an iterable of them, but it is no sequence that anyone means."""
        if isinstance(shape, Named):
            declaration = self.layout.declared[self.layout.key(shape.key)]
            return isinstance(declaration, Alias) and self._is_text(declaration.shape)
        if isinstance(shape, Either):
            return all(self._is_text(member) for member in shape.members)
        return isinstance(shape, Choices) or shape == Scalar("str")

    def _name(self, module: Module, key: str, *, static: bool, alias: bool, plain: bool) -> str:
        key = self.layout.key(key)
        home = self.layout.home(key)
        here = module.path.removeprefix("types.")
        self.references.setdefault(here, set()).add(key)
        qualified = not static and not alias and home.module != here and home.module in self.cycles.get(here, ())
        text = module.use(module_path(home), home.name, static=static, qualified=qualified)
        if not plain and self._is_answer(key, Object, here):
            text += f" | {self._answer(module, key, static=static)}"
        return text

    def _is_answer(self, key: str, kind: type[Object | Alias], here: str) -> bool:
        """Whether a schema is an answer's too, and one that the module may load: of its own package, or shared."""
        if key not in self.answers.kept or not isinstance(self.answers.declared[key], kind):
            return False
        package = self.answers.home(key).package
        return package in (here.rpartition(".")[0], "", "shared") or here.startswith("resources")

    def _answer(self, module: Module, key: str, *, static: bool = False) -> str:
        home: Home = self.answers.home(key)
        here = module.path.removeprefix("types.")
        self.answers_used.setdefault(here, set()).add(key)
        qualified = not static and home.module != here and home.module in self.cycles.get(here, ())
        return module.use(module_path(home), home.name, static=static, qualified=qualified)


def _has_objects(shape: Shape) -> bool:
    return any(isinstance(part, Named) for part in inner(shape))


def _parts(text: str) -> list[str]:
    """Split `A | B[C | D]` at the outer bars."""
    parts: list[str] = []
    depth = start = 0
    for index, letter in enumerate(text):
        if letter in "[(":
            depth += 1
        elif letter in ")]":
            depth -= 1
        elif letter == "|" and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    parts.append(text[start:].strip())
    return parts
