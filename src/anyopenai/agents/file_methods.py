"""`client.beta.agents.environments.files.prepare`, `.prepare_directory` and `.upload`: the methods alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .._resource import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Unpack

    from .._contract import RequestOptions
    from .._files import FileTypes
    from ..resources.beta.agents.environments.files import Files
    from .files import PreparedAgentFiles, StagedAgentFile

__all__ = ("EnvironmentFiles",)


class EnvironmentFiles(Resource):
    """What `client.beta.agents.environments.files` has beside the API's own methods: files from here."""

    __slots__ = ()

    async def prepare(
        self,
        files: Mapping[str, str | PathLike[str]],
        *,
        into: PreparedAgentFiles | None = None,
        **options: Unpack[RequestOptions],
    ) -> PreparedAgentFiles:
        """Upload files for an environment that does not exist yet, several at a time.

        All places and files are looked at before the first upload. After a failure no further upload begins, and those
        that have begun come to their end, so that each upload is known. Cancelling ends them; what was uploaded by then
        stands in `into`.

        Args:
            files: The files here, by where they go: absolute paths below `/workspace`.
            into: What is filled, also when this is cancelled; a new one if it is left out.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each upload; `deadline`
                bounds all of them together.

        Returns:
            `files` for `environment={"type": "openai_hosted", "files": ...}`, and the ids of the uploads, which are yours to
            delete.

        Raises:
            ValueError: A place cannot be taken, or a file is missing or none; nothing was uploaded.
            AgentFilePreparationError: An upload failed; `prepared` has what was uploaded, and the cause says why.

        Source: https://platform.openai.com/docs/api-reference/agents
        """
        from ..streaming.helper import refuse_view
        from .files import PreparedAgentFiles, prepare

        refuse_view(self._caller)
        return await prepare(self._caller, files, PreparedAgentFiles() if into is None else into, options)

    async def prepare_directory(
        self,
        root: str | PathLike[str],
        *,
        destination: str,
        include: Sequence[str],
        into: PreparedAgentFiles | None = None,
        **options: Unpack[RequestOptions],
    ) -> PreparedAgentFiles:
        """Upload files of a directory for an environment that does not exist yet, as `prepare` does.

        Args:
            root: The directory here.
            destination: Where its files go: an absolute path below `/workspace`.
            include: Patterns that choose files, such as `["*.csv", "src/**/*.py"]`; nothing is chosen by itself.
            into: What is filled, also when this is cancelled; a new one if it is left out.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each upload; `deadline`
                bounds all of them together.

        Raises:
            ValueError: Nothing was chosen, a link was, or a pattern leads out of the directory; nothing was uploaded.
            AgentFilePreparationError: An upload failed; `prepared` has what was uploaded, and the cause says why.

        Source: https://platform.openai.com/docs/api-reference/agents
        """
        from .files import directory_files

        files = await directory_files(root, destination, include)
        return await self.prepare(files, into=into, **options)

    async def upload(
        self, environment_id: str, *, file: FileTypes, path: str, **options: Unpack[RequestOptions]
    ) -> StagedAgentFile:
        """Upload a file and put it into an environment that exists; cancelling ends the request.

        Args:
            environment_id: The environment's id.
            file: The file: bytes, an open binary file, a path, or a tuple of name, content and content type.
            path: Where it goes: an absolute path below `/workspace`.
            **options: `timeout`, `extra_headers` and the other members of `RequestOptions`, for each request; `deadline`
                bounds both together, `idempotency_key` and `extra_body` go with the upload.

        Returns:
            The file in the environment, and the id of the upload, which is yours to delete.

        Raises:
            ValueError: The place cannot be taken; nothing was uploaded.
            AgentFileStagingError: It was uploaded, and could not be put into the environment; the cause says why.
            APIStatusError: The API refused the upload; the subclass says how, such as `RateLimitError`.
            APIConnectionError: No answer to the upload arrived.

        Source: https://platform.openai.com/docs/api-reference/agents
        """
        from ..streaming.helper import refuse_view
        from .files import upload

        refuse_view(self._caller)
        return await upload(cast("Files", self), environment_id, file, path, options)
