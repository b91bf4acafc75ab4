"""Decides what each declaration is called and in which module it lives: the names and modules that users know."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from .description import Side
from .facts import KnownName, snake
from .shapes import Alias, Declaration, Either, Listed, Mapped, Member, Named, Object, Shape, inner

# A word that starts or ends up in capitals in the names users know.
_ACRONYMS = {"api": "API", "id": "ID", "url": "URL", "json": "JSON", "http": "HTTP"}


class NamingError(Exception):
    """Two different schemas ask for one name; the overlay has to decide."""


@dataclass
class Home:
    """Where a declaration lives.

    Attributes:
        module: Module below `types`, such as `chat.chat_completion`.
        name: Its name there.
        also: Further names, as pairs of module and name.
    """

    module: str
    name: str
    also: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    @property
    def package(self) -> str:
        """The package below `types`; empty for `types` itself."""
        return self.module.rpartition(".")[0]


def camel(word: str) -> str:
    """Return `image_url` as `ImageURL`: the part of a class name that a member's name gives."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", word) if part]
    return "".join(_ACRONYMS.get(part.lower(), part[:1].upper() + part[1:]) for part in parts)


def singular(word: str) -> str:
    """Return the name of one item of a list called `word`."""
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def attribute(wire: str) -> str:
    """Return the Python name of a member: `self-harm/intent` is `self_harm_intent`, `from` is `from_`."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", wire)
    if name[:1].isdigit():
        name = f"_{name}"
    return f"{name}_" if keyword.iskeyword(name) else name


class Layout:
    """The homes of one side's declarations."""

    def __init__(
        self,
        side: Side,
        declared: dict[str, Declaration],
        roots: Collection[str],
        known: dict[str, KnownName],
        taken: Iterable[tuple[str, str]] = (),
        homes: dict[str, str] | None = None,
        near: dict[str, str] | None = None,
        later: Iterable[tuple[Collection[str], bool]] = (),
    ) -> None:
        """Lay out the declarations.

        Args:
            side: Answers or requests.
            declared: Declarations by key.
            roots: The keys that methods refer to.
            known: The names users know, by pointer.
            taken: Modules and names that the other side has already given away.
            homes: Where a root that nobody refers to lives, when no name is known for it: `module:Name`.
            near: The package of the method that first refers to a root.
            later: Further roots, which own nothing that an earlier one leads to, and whether each is needed even if
                another schema has its name.
        """
        self.side: Side = side
        self.declared = declared
        self._known = known
        self._homes: dict[str, Home] = {}
        self._owner: dict[str, tuple[str, str]] = {}
        self._by_name: dict[tuple[str, str], str] = {}
        self._same: dict[str, str] = {}
        self._other = set(taken)
        self._fixed = homes or {}
        self._near = near or {}
        # Owners are the shortest way from a root: what a schema is named after when users know no name of it.
        reached: list[str] = []
        order: dict[str, int] = {}
        for keys, needed in ((roots, True), *later):
            fresh = [key for key in dict.fromkeys(keys) if key not in order]
            if not needed:
                claimed = {at for key in reached for at in self._claims(key)}
                fresh = [key for key in fresh if not claimed.intersection(self._claims(key))]
            number = len(reached)
            order |= {key: number + place for place, key in enumerate(fresh)}
            reached += fresh
            while number < len(reached):
                self._reach(reached[number], number, reached, order)
                number += 1
        # Names that users know are given first, so that a made-up one never takes them away.
        for key in sorted(reached, key=lambda key: self._known_name(key) is None):
            self._place(key)

    def _claims(self, key: str) -> list[tuple[str, str]]:
        """Return where users know a declaration."""
        known = self._known_name(key)
        return [(module, known.name) for module in known.modules] if known is not None else []

    def _reach(self, key: str, number: int, reached: list[str], order: dict[str, int]) -> None:
        """Note whom a declaration owns, and what is reached through it."""
        for wire, shape in _parts(self.declared[key]):
            for part in inner(shape):
                if isinstance(part, Named) and part.key not in self._owner and order.get(part.key, number + 1) > number:
                    self._owner[part.key] = (key, wire)
                    if part.key not in order:
                        order[part.key] = len(reached)
                        reached.append(part.key)

    def key(self, key: str) -> str:
        """Return the declaration that stands for this one: schemas that are alike and share a name are one class."""
        while key in self._same:
            key = self._same[key]
        return key

    def home(self, key: str) -> Home:
        """Return where a declaration lives."""
        return self._homes[self.key(key)]

    def find(self, module: str, name: str) -> str | None:
        """Return the key of the declaration with this home."""
        return self._by_name.get((module, name))

    def in_order(self, aliases: Collection[str]) -> list[str]:
        """Return the keys of one module's aliases, each behind those that it refers to: they are run from the top."""
        ordered: list[str] = []

        def visit(key: str) -> None:
            if key in ordered:
                return
            for _, shape in _parts(self.declared[key]):
                for part in inner(shape):
                    other = self.key(part.key) if isinstance(part, Named) else ""
                    if other in aliases and other != key:
                        visit(other)
            ordered.append(key)

        for key in aliases:
            visit(key)
        return ordered

    def is_primary(self, key: str) -> bool:
        """Whether a declaration has a module of its own name."""
        home = self.home(key)
        return home.module.rpartition(".")[2] == snake(home.name)

    def move(self, key: str) -> bool:
        """Give a part a module of its own, as two modules would need each other for it; false if there is none free."""
        home = self.home(key)
        suffix = "" if self.side == "response" or home.name.endswith("Param") else "_param"
        stem = f"{home.package}.{snake(home.name)}{suffix}".lstrip(".")
        used = {other.module for other in self._homes.values()} | {module for module, _ in self._other}
        if stem in used:
            return False
        home.also.append((home.module, home.name))
        self._by_name[stem, home.name] = self._by_name.pop((home.module, home.name))
        home.module = stem
        return True

    def named(self, name: str) -> str | None:
        """Return the key of the declaration of this name; if several modules have one, the module of that name's."""
        found = [(module, key) for (module, given), key in self._by_name.items() if given == name]
        own = [key for module, key in found if module.rpartition(".")[2] == snake(name)]
        return own[0] if own else found[0][1] if found else None

    @property
    def kept(self) -> dict[str, Declaration]:
        """The declarations that are written."""
        return {key: self.declared[key] for key in self._homes}

    def _known_name(self, key: str) -> KnownName | None:
        return next((self._known[at] for at in (key, *self.declared[key].also_at) if at in self._known), None)

    def _place(self, key: str) -> Home:
        if key in self._homes or key in self._same:
            return self.home(key)
        declaration = self.declared[key]
        known = self._known_name(key)
        candidates: list[Home] = []
        if key in self._fixed and known is None:
            module, _, name = self._fixed[key].partition(":")
            candidates.append(Home(module, name))
        if known is not None:
            name, also = known.name, list(known.also)
            stem = re.fullmatch(r"(\w+Params)(Non)?Streaming", name)
            if stem:
                name = stem[1]
                also = [(known.modules[0], f"{name}{form}Streaming") for form in ("", "Non")]
            module = self._module(key, known)
            package = module.rpartition(".")[0]
            also += [(other, name) for other in known.modules if other.rpartition(".")[0] == package]
            candidates.append(Home(module, name, [pair for pair in also if pair != (module, name)]))
        if not candidates or known is not None:
            candidates.extend(self._made_up(key))
        for candidate in candidates:
            at = (candidate.module, candidate.name)
            if at in self._other:
                if isinstance(declaration, Alias):
                    # The other side has written this very name: one alias serves both.
                    self._homes[key] = candidate
                    return candidate
                continue
            other = self._by_name.get(at)
            if other is None:
                self._homes[key] = candidate
                self._by_name[at] = key
                return candidate
            if self._alike(key, other, set()):
                self._same[key] = other
                home = self.home(key)
                home.also += [also for also in candidate.also if also not in home.also]
                return home
        raise NamingError(
            f"{self.side} {key}: {', '.join(f'{home.module}:{home.name}' for home in candidates)} "
            f"are taken by other schemas; name it in overlay.toml"
        )

    def _module(self, key: str, known: KnownName) -> str:
        """Return the module of a known name: of several that have it, the one of whoever refers to it."""
        if key not in self._owner:
            if known.modules:
                return known.modules[0]
            if key in self._near:
                return f"{self._near[key]}.{snake(known.name)}".lstrip(".")
        owner = self._owner_home(key)
        if len(known.modules) == 1:
            package = known.modules[0].rpartition(".")[0]
            # An alias is cheap to repeat: one from a stranger's package would load that package.
            strange = package not in (owner.package, "", "shared", "shared_params")
            return owner.module if strange and isinstance(self.declared[key], Alias) else known.modules[0]
        if not known.modules:
            return owner.module
        # Beside its owner, where users know it there; a union's variants have no one owner.
        beside = owner.module in known.modules and isinstance(self.declared[self._owner[key][0]], Object)
        return owner.module if beside else known.modules[0]

    def _owner_home(self, key: str) -> Home:
        if key not in self._owner:
            raise NamingError(f"{self.side} {key} has no name and nobody refers to it; name it in overlay.toml")
        return self._place(self._owner[key][0])

    def _made_up(self, key: str) -> list[Home]:
        """Names for a schema that users know none of: a component's own, or after where it stands."""
        found: list[Home] = []
        suffix = "Param" if self.side == "param" else ""
        if key in self._owner:
            owner, wire = self._owner[key]
            home = self._owner_home(key)
            stem = re.sub(r"Params?$", "", home.name)
            part = camel(
                singular(wire) if key.endswith("/items") or "/items/" in key.rsplit("/properties/", 1)[-1] else wire
            )
            if "/" not in key:
                name = self._component_name(key)
                found.append(Home(home.module, name if name.endswith((suffix, "Params")) else f"{name}{suffix}"))
            if isinstance(self.declared[owner], Alias):
                branch = re.search(r"/(\d+)$", key)
                part = f"Variant{branch[1]}" if branch else part
            found.append(Home(home.module, f"{stem}{part}"))
            found.append(Home(home.module, f"{stem}{part}{suffix}"))
        elif "/" not in key:
            name = self._component_name(key)
            found.append(Home(snake(name), name))
        return found

    def _component_name(self, key: str) -> str:
        name = re.sub(r"[^A-Za-z0-9]", "", key.partition("@")[0])
        return re.sub(r"Params?$", "", name) if self.side == "response" else name

    def _alike(self, one: str, other: str, seen: set[tuple[str, str]]) -> bool:
        """Whether two declarations say the same of a value."""
        one, other = self.key(one), self.key(other)
        if one == other or (one, other) in seen:
            return True
        seen.add((one, other))
        first, second = self.declared[one], self.declared[other]
        if isinstance(first, Object) and isinstance(second, Object):
            return first.members.keys() == second.members.keys() and all(
                self._alike_members(member, second.members[wire], seen) for wire, member in first.members.items()
            )
        if isinstance(first, Alias) and isinstance(second, Alias):
            return self._alike_shapes(first.shape, second.shape, seen)
        return False

    def _alike_members(self, one: Member, other: Member, seen: set[tuple[str, str]]) -> bool:
        return one.required == other.required and self._alike_shapes(one.shape, other.shape, seen)

    def _alike_shapes(self, one: Shape, other: Shape, seen: set[tuple[str, str]]) -> bool:
        match one, other:
            case Named(), Named():
                return self._alike(one.key, other.key, seen)
            case Listed(), Listed():
                return self._alike_shapes(one.item, other.item, seen)
            case Mapped(), Mapped():
                return self._alike_shapes(one.value, other.value, seen)
            case Either(), Either():
                return len(one.members) == len(other.members) and all(
                    self._alike_shapes(first, second, seen)
                    for first, second in zip(one.members, other.members, strict=True)
                )
            case _:
                return one == other


def _parts(declaration: Declaration) -> list[tuple[str, Shape]]:
    if isinstance(declaration, Object):
        return [(member.wire, member.shape) for member in declaration.members.values()]
    return [("", declaration.shape)]
