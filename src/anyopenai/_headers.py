"""HTTP header fields as users see them: ordered, case-insensitive, secrets hidden in every printed or pickled form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

__all__ = ("REDACTED", "SECRET_HEADERS", "Headers", "is_secret_header")

REDACTED = "<redacted>"

SECRET_HEADERS = frozenset(
    {
        "api-key",
        "authorization",
        "cookie",
        "openai-ephemeral-user-id",
        "proxy-authorization",
        "set-cookie",
        "x-amz-security-token",
        "x-api-key",
    }
)
"""Names (lower case) whose values are never shown, logged or pickled."""

# Parts of custom header names that are taken to carry a secret; a false alarm only hides a value from a log.
_SECRET_WORDS = ("auth", "credential", "key", "password", "secret", "signature", "token")


def is_secret_header(name: str) -> bool:
    """Tell whether the value of a header may be a secret.

    Limits such as `x-ratelimit-remaining-tokens` carry the word and no secret.
    """
    name = name.lower()
    if name in SECRET_HEADERS:
        return True
    if name.startswith(("x-ratelimit-", "idempotency-key")):
        return False
    return any(word in name for word in _SECRET_WORDS)


class Headers(Mapping[str, str]):
    """Read-only header fields: a mapping without regard to case that keeps order and repeats.

    `headers["x"]` joins repeated fields with a comma, as RFC 9110 section 5.3 says; `get_list` keeps them apart.
    `repr` and pickling leave out the values of secret fields.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-5
    """

    __slots__ = ("_index", "_raw")

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] | Mapping[str, str] = ()) -> None:
        if isinstance(raw, Mapping):
            self._raw: tuple[tuple[bytes, bytes], ...] = tuple(
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in cast("Mapping[str, str]", raw).items()
            )
        else:
            self._raw = tuple(raw)
        # Built on first use: most answers are never asked for a header.
        self._index: dict[str, list[str]] | None = None

    @property
    def raw(self) -> tuple[tuple[bytes, bytes], ...]:
        """The fields as they were on the wire, in order."""
        return self._raw

    def _indexed(self) -> dict[str, list[str]]:
        if self._index is not None:
            return self._index
        index: dict[str, list[str]] = {}
        for name, value in self._raw:
            index.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        self._index = index
        return index

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._indexed()[name.lower()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._indexed()

    def __iter__(self) -> Iterator[str]:
        return iter(self._indexed())

    def __len__(self) -> int:
        return len(self._indexed())

    def get_list(self, name: str) -> list[str]:
        """Return every value of a repeated field, in order; empty without one."""
        return list(self._indexed().get(name.lower(), ()))

    def redacted(self) -> dict[str, str]:
        """Return the fields for printing, the values of secret ones replaced."""
        return {name: REDACTED if is_secret_header(name) else self[name] for name in self}

    def __repr__(self) -> str:
        return f"Headers({self.redacted()!r})"

    def __reduce__(self) -> tuple[type[Headers], tuple[dict[str, str]]]:
        return Headers, (self.redacted(),)
