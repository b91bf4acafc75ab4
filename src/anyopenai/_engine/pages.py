"""How the pages of one list are asked for: the first, and each that follows; what is on them is not known here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from .prepare import prepare

if TYPE_CHECKING:
    from .._contract import Body, Omit, Operation, Query, RequestOptions
    from ..pagination import PageInfo
    from .engine import Engine

__all__ = ("PageSource",)


class PageSource:
    """The arguments of one list call, kept to ask for any of its pages."""

    __slots__ = ("_body", "_engine", "_headers", "_operation", "_options", "_path", "_query")

    def __init__(
        self,
        engine: Engine,
        operation: Operation[Any],
        path: tuple[str, ...],
        query: Query | None,
        body: Body | None,
        headers: Mapping[str, str | Omit] | None,
        options: RequestOptions,
    ) -> None:
        self._engine = engine
        self._operation = operation
        self._path = path
        # Copied: the caller may change what was passed while the list is being walked.
        self._query: Query = dict(query or {})
        self._body = body
        self._headers = headers
        self._options = options

    async def first_page(self) -> Any:
        """Fetch the first page, as the engine's view says."""
        engine = self._engine
        call = prepare(
            engine.settings,
            self._operation,
            path=self._path,
            query=self._query,
            body=self._body,
            headers=self._headers,
            open_answer=engine.view == "streamed",
            options=self._options,
        )
        call.pages = self
        return await engine.carry_out(call)

    async def next_page(self, info: PageInfo) -> Any:
        """Fetch the page that another one leads to; always decoded, also where the first came as a raw response."""
        engine = self._engine.plain
        options = self._options
        extra = options.get("extra_query")
        if extra and not info.params.keys().isdisjoint(extra):
            # The caller's `after` chose the first page; it must not choose every page.
            options = cast(
                "RequestOptions",
                {**options, "extra_query": {name: value for name, value in extra.items() if name not in info.params}},
            )
        following = PageSource(
            engine,
            self._operation,
            self._path,
            {**self._query, **info.params},
            self._body,
            self._headers,
            options,
        )
        return await following.first_page()
