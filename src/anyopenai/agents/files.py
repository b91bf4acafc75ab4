"""Files for environments: uploading them, several at a time, and putting them where agents find them; sending is the engine's."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from anyio import to_thread

from .._contract import Operation
from .._tasks import open_task_group
from ..errors import OpenAIError
from ..types.file_object import FileObject
from .errors import AgentFilePreparationError, AgentFileStagingError
from .options import SessionOptions

if TYPE_CHECKING:
    from .._contract import Caller, RequestOptions
    from .._files import FileTypes
    from ..resources.beta.agents.environments.files import Files
    from ..types.beta.agents.environment_create_params import HostedEnvironmentFileParamFileID
    from ..types.beta.agents.environments.environment_file import EnvironmentFile

__all__ = ("UPLOAD", "PreparedAgentFiles", "StagedAgentFile", "directory_files", "prepare", "upload")

UPLOAD: Final[Operation[FileObject]] = Operation(
    name="files.create",
    verb="POST",
    path="/files",
    returns=FileObject,
    body="multipart",
    files=("file",),
    doc="https://platform.openai.com/docs/api-reference/files",
)

_AT_ONCE: Final = 8
"""Uploads at the same time: a few fill a link, more hold files open and slow each other down."""

_WORKSPACE: Final = PurePosixPath("/workspace")
"""Below which the API takes files. Source: https://platform.openai.com/docs/api-reference/agents"""


@dataclass
class PreparedAgentFiles:
    """Files that were uploaded for an environment that does not exist yet; the uploads are yours, and yours to delete.

    Attributes:
        files: What `environment={"files": [...]}` takes.
        uploaded_file_ids: The ids of the uploads.
    """

    files: list[HostedEnvironmentFileParamFileID] = field(default_factory=list["HostedEnvironmentFileParamFileID"])
    uploaded_file_ids: list[str] = field(default_factory=list[str])


@dataclass
class StagedAgentFile:
    """A file that was put into an environment, and the upload it came from, which is yours to delete.

    Attributes:
        uploaded_file_id: The id of the upload.
        file: The file in the environment.
    """

    uploaded_file_id: str
    file: EnvironmentFile


async def prepare(
    caller: Caller, files: Mapping[str, str | os.PathLike[str]], into: PreparedAgentFiles, options: RequestOptions
) -> PreparedAgentFiles:
    """Upload files, several at a time, and return what an environment is made with.

    What was uploaded stands in `into` however this ends. After a failure no further upload begins, and those that have
    begun come to their end, so that each upload is known.

    Args:
        caller: Carries the requests out.
        files: The files here, by where they go.
        into: What is filled, in the order of `files`.
        options: The options of each request.

    Raises:
        ValueError: A place or a file is none; nothing was uploaded.
        AgentFilePreparationError: An upload failed.
    """
    places = [_checked_place(place) for place in files]
    paths = [Path(path) for path in files.values()]
    await to_thread.run_sync(_check_files, paths)
    shared = SessionOptions(options)
    shared.start()
    uploaded: dict[int, str] = {}
    failures: list[OpenAIError | OSError] = []
    numbers = iter(range(len(paths)))

    async def upload_next() -> None:
        for number in numbers:
            try:
                uploaded[number] = await _uploaded(caller, paths[number], shared.each())
            except (OpenAIError, OSError) as error:
                failures.append(error)
            if failures:
                return

    try:
        async with open_task_group() as group:
            for _ in range(min(_AT_ONCE, len(paths))):
                group.start_soon(upload_next)
    finally:
        for number, file_id in sorted(uploaded.items()):
            into.files.append({"type": "file_id", "file_id": file_id, "path": places[number]})
            into.uploaded_file_ids.append(file_id)
    if failures:
        raise AgentFilePreparationError(into) from failures[0]
    return into


async def upload(
    resource: Files, environment_id: str, file: FileTypes, path: str, options: RequestOptions
) -> StagedAgentFile:
    """Upload a file and put it into an environment.

    Raises:
        ValueError: The place is none; nothing was uploaded.
        AgentFileStagingError: It was uploaded, and could not be put into the environment.
    """
    place = _checked_place(path)
    shared = SessionOptions(options)
    shared.start()
    file_id = await _uploaded(resource._caller, file, shared.first())
    try:
        staged = await resource.create(environment_id, path=place, type="file_id", file_id=file_id, **shared.plain())
    except OpenAIError as error:
        raise AgentFileStagingError(file_id) from error
    return StagedAgentFile(file_id, staged)


async def directory_files(
    root: str | os.PathLike[str], destination: str, include: Sequence[str]
) -> dict[str, os.PathLike[str]]:
    """Return the files of a directory that patterns choose, by where they go; directories are looked through in a thread.

    Raises:
        ValueError: A pattern, the directory or the place is none, or nothing was chosen.
    """
    # Read from outside the types: a text is a sequence of patterns to Python, and never meant as one.
    patterns: Any = include
    if isinstance(patterns, str) or not patterns:
        raise ValueError(
            f'include={patterns!r} chooses nothing; give a list of patterns, such as ["*.csv", "src/**/*.py"]'
        )
    for pattern in patterns:
        parts = PurePosixPath(pattern).parts
        if not parts or PurePosixPath(pattern).is_absolute() or ".." in parts:
            raise ValueError(
                f"the pattern {pattern!r} leads out of the directory; give one relative to it, without '..'"
            )
    place = _checked_place(destination)
    found = await to_thread.run_sync(_chosen, Path(root), list(patterns))
    return {f"{place}/{name}": path for name, path in found.items()}


def _chosen(root: Path, patterns: list[str]) -> dict[str, Path]:
    """Return the files below a directory that patterns choose, by their names relative to it, in order."""
    if root.is_symlink() or not root.is_dir():
        raise ValueError(f"{str(root)!r} is no directory, or a link to one; give the directory itself")
    found: dict[str, Path] = {}
    for pattern in patterns:
        for path in root.glob(pattern):
            inner = path.relative_to(root)
            # A link is refused here, and one on the way to a file as well, or a pattern could lead out of the directory.
            _refuse_links(root, inner)
            if not path.is_dir():
                found[inner.as_posix()] = path
    if not found:
        raise ValueError(f"no file in {str(root)!r} fits {', '.join(map(repr, patterns))}")
    return dict(sorted(found.items()))


def _refuse_links(root: Path, inner: Path) -> None:
    for part in (inner, *inner.parents):
        if (root / part).is_symlink() and part != Path():
            raise ValueError(
                f"{str(root / part)!r} is a link; choose files themselves, so that none comes from elsewhere"
            )


def _checked_place(place: str) -> str:
    """Return where a file goes, if it can go there.

    Raises:
        ValueError: It cannot.
    """
    path = PurePosixPath(place)
    if not path.is_relative_to(_WORKSPACE) or path == _WORKSPACE or "\0" in place:
        raise ValueError(f"a file cannot go to {place!r}; give an absolute path below {_WORKSPACE}")
    if any(part in ("", ".", "..") for part in place.split("/")[1:]):
        raise ValueError(f"a file cannot go to {place!r}; write the path without empty parts, '.' and '..'")
    return place


def _check_files(paths: list[Path]) -> None:
    """Refuse what is no file, before anything is sent.

    Raises:
        ValueError: One is missing, is a link, or is something else.
    """
    for path in paths:
        try:
            mode = path.lstat().st_mode
        except OSError as error:
            raise ValueError(f"{str(path)!r} cannot be read: {error.strerror}") from error
        if stat.S_ISLNK(mode):
            raise ValueError(f"{str(path)!r} is a link; give the file itself, so that none comes from elsewhere")
        if not stat.S_ISREG(mode):
            raise ValueError(f"{str(path)!r} is no file")


async def _uploaded(caller: Caller, file: FileTypes, options: RequestOptions) -> str:
    answer: FileObject = await caller.call(UPLOAD, body={"file": file, "purpose": "user_data"}, options=options)
    return answer.id
