"""`AsyncAgentResultArtifacts`: the files that one turn made, found by their paths; listing and reading are the API's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .options import SessionOptions

if TYPE_CHECKING:
    from os import PathLike
    from typing import Unpack

    from .._contract import RequestOptions
    from .._engine.response import BinaryResponse, StreamedResponse
    from ..resources.beta.agents.sessions.artifacts import Artifacts
    from ..types.beta.agents.sessions.session_artifact import SessionArtifact
    from .result import AgentTurnResult

__all__ = ("AsyncAgentResultArtifacts",)


class AsyncAgentResultArtifacts:
    """The files that one turn of an agent made.

    Args:
        resource: `client.beta.agents.sessions.artifacts`.
        result: What the turn ended with.
    """

    __slots__ = ("_resource", "_session_id", "_turn_id")

    def __init__(self, resource: Artifacts, result: AgentTurnResult[Any]) -> None:
        self._resource = resource
        self._session_id = result.session_id
        self._turn_id = result.turn_id

    async def content(self, path: str, **options: Unpack[RequestOptions]) -> BinaryResponse:
        """Read a file that the turn made; cancelling ends the request.

        Args:
            path: Where the file is in the environment, exactly.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each request.

        Raises:
            ValueError: The turn made no such file, or several.
            APIStatusError: The API refused; the subclass says how, such as `RateLimitError`.
            APIConnectionError: No answer arrived, or only a part of it.
        """
        shared = SessionOptions(options)
        shared.start()
        found = await self._found(path, shared.each())
        return await self._resource.content(found.id, session_id=self._session_id, **shared.each())

    async def download(
        self, path: str, *, to: str | PathLike[str], **options: Unpack[RequestOptions]
    ) -> SessionArtifact:
        """Write a file that the turn made to a file here, piece by piece, and return what is known about it.

        The file here is complete, or as it was before; also when this is cancelled.

        Args:
            path: Where the file is in the environment, exactly.
            to: Where it goes; the directory must be there.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each request.

        Raises:
            ValueError: The turn made no such file, or several.
            OSError: The file here cannot be written.
            APIStatusError: The API refused; the subclass says how, such as `RateLimitError`.
            APIConnectionError: No answer arrived, or only a part of it.
        """
        shared = SessionOptions(options)
        shared.start()
        found = await self._found(path, shared.each())
        opened = self._resource.with_streaming_response.content(found.id, session_id=self._session_id, **shared.each())
        async with opened as response:
            await cast("StreamedResponse[object]", response).stream_to_file(to)
        return found

    async def _found(self, path: str, options: RequestOptions) -> SessionArtifact:
        """Return the one file of the turn with a path; all of the session's are looked at."""
        found: SessionArtifact | None = None
        async for one in self._resource.list(self._session_id, **options):
            if one.turn_id != self._turn_id or one.path != path:
                continue
            if found is not None:
                raise ValueError(
                    f"turn {self._turn_id} made several files at {path!r} ({found.id}, {one.id}); "
                    "choose one with sessions.artifacts.content(id)"
                )
            found = one
        if found is None:
            raise ValueError(
                f"turn {self._turn_id} made no file at {path!r}; sessions.artifacts.list() has all files of the session"
            )
        return found
