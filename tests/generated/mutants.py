"""What a server may send instead of what the type says: one way each, at a random place of a random document."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from codec.documents import containers, document, plain

Place = Any
Mutation = Callable[[Place, Any, Random], None]


def _replace(*values: Any) -> Mutation:
    def mutate(place: Place, key: Any, rand: Random) -> None:
        place[key] = rand.choice(values)

    return mutate


def _unknown(place: Place, key: Any, rand: Random) -> None:
    if isinstance(place, dict):
        place[rand.choice(("of_next_year", "to_dict", "model_extra", "_private", "a b", "class"))] = plain(rand)


def _variant(place: Place, key: Any, rand: Random) -> None:
    if isinstance(place, dict):
        place[rand.choice(("type", "role", "object", key))] = "a_kind_of_next_year"


def _missing(place: Place, key: Any, rand: Random) -> None:
    del place[key]


def _scalar(place: Place, key: Any, rand: Random) -> None:
    old = place[key]
    others = [value for value in ("7", 7, 7.5, True, [], {}, [1], {"a": 1}) if type(value) is not type(old)]
    place[key] = rand.choice(others)


def _deep(place: Place, key: Any, rand: Random) -> None:
    nested: Any = 1
    for _ in range(150):
        nested = [nested] if rand.random() < 0.5 else {"a": nested}
    place[key] = nested


MUTATIONS: dict[str, Mutation] = {
    "unknown member": _unknown,
    "enum value": _replace("of_next_year", "", "é"),
    "variant": _variant,
    "null": _replace(None),
    "missing": _missing,
    "wrong scalar": _scalar,
    "NaN": _replace(float("nan"), float("inf"), float("-inf")),
    "lone surrogate": _replace("\ud83d", "a\udc00b"),
    "deep nesting": _deep,
}


def mutant(kind: Any, rand: Random, mutation: Mutation) -> Any:
    """Give a document of a type, changed in one to three places."""
    broken = json.loads(json.dumps(document(kind, rand)))
    for _ in range(rand.randrange(1, 4)):
        places = [place for place in containers(broken) if place]
        if not places:
            break
        place = rand.choice(places)
        mutation(place, rand.choice(list(place) if isinstance(place, dict) else range(len(place))), rand)
    return broken
