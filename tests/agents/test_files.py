"""Files for environments: uploaded several at a time, none of them lost, and nothing sent of what cannot be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint
from hypothesis import given
from hypothesis import strategies as st

from anyopenai import BadRequestError, OpenAI
from anyopenai.agents import AgentFilePreparationError, AgentFileStagingError, PreparedAgentFiles
from anyopenai.agents.files import _checked_place
from anyopenai.testing import Answer, FakeTransport


class Ground:
    """A client whose server takes files, and remembers how many at a time.

    Attributes:
        most: Uploads at the same time.
        gates: What uploads of a name wait for.
        refused: Names that are refused.
    """

    def __init__(self, staged: Answer | None = None) -> None:
        self.transport = FakeTransport()
        there = staged or Answer(json={"environment_id": "env", "path": "p"})
        self.transport.route("POST", "/agents/environments/env/files", there)
        self.transport.route("POST", "/v1/files", self._take)
        self.client = OpenAI(api_key="k", transport=self.transport, max_retries=0)
        self.refused: set[str] = set()
        self.gates: dict[str, anyio.Event] = {}
        self.arrived: dict[str, anyio.Event] = {}
        self.most = self._now = 0

    @property
    def files(self) -> Any:
        return self.client.beta.agents.environments.files

    async def _take(self, request: Any) -> Answer:
        found = re.search(rb'filename="([^"]*)"', request.body)
        name = found[1].decode() if found else "?"
        assert b"user_data" in request.body
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            if name in self.arrived:
                self.arrived[name].set()
            await self.gates[name].wait() if name in self.gates else await checkpoint()
        finally:
            self._now -= 1
        if name in self.refused:
            return Answer.error(400, "no")
        return Answer(json={"id": f"file-{name}", "object": "file", "filename": name})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.txt", "c.csv", ".hidden", "sub/d.txt", "sub/deep/e.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    return tmp_path


def many(folder: Path, count: int) -> dict[str, Path]:
    for number in range(count):
        (folder / f"n{number}").write_text("x")
    return {f"/workspace/{number}": folder / f"n{number}" for number in range(count)}


async def test_files_go_up_at_the_same_time_and_come_back_in_order(folder: Path) -> None:
    ground = Ground()
    given = many(folder, 12)
    ground.gates["n0"] = anyio.Event()
    ground.arrived["n11"] = anyio.Event()
    found: list[PreparedAgentFiles] = []

    async def prepare() -> None:
        found.append(await ground.files.prepare(given, extra_headers={"X-A": "1"}, idempotency_key="one"))

    async with anyio.create_task_group() as group:
        group.start_soon(prepare)
        await ground.arrived["n11"].wait()
        ground.gates["n0"].set()
    (prepared,) = found
    assert prepared.uploaded_file_ids == [f"file-n{number}" for number in range(12)]
    assert prepared.files[0] == {"type": "file_id", "file_id": "file-n0", "path": "/workspace/0"}
    assert 1 < ground.most <= 8
    assert {one.headers["x-a"] for one in ground.transport.requests} == {"1"}
    # Twelve uploads are not one.
    assert len({one.headers["idempotency-key"] for one in ground.transport.requests}) == 12


async def test_what_succeeded_is_kept_when_one_fails(folder: Path) -> None:
    """Uploads that had begun end, and no further one begins."""
    ground = Ground()
    given = many(folder, 20)
    ground.refused.add("n1")
    ground.gates["n0"] = anyio.Event()
    ground.arrived["n1"] = anyio.Event()
    into = PreparedAgentFiles()

    async def fail() -> None:
        with pytest.raises(AgentFilePreparationError) as caught:
            await ground.files.prepare(given, into=into)
        assert caught.value.prepared is into
        assert isinstance(caught.value.__cause__, BadRequestError)

    async with anyio.create_task_group() as group:
        group.start_soon(fail)
        await ground.arrived["n1"].wait()
        await anyio.wait_all_tasks_blocked()
        ground.gates["n0"].set()
    assert "file-n0" in into.uploaded_file_ids
    assert "file-n1" not in into.uploaded_file_ids
    assert len(into.files) == len(into.uploaded_file_ids) == len(ground.transport.requests) - 1
    assert len(ground.transport.requests) < 20


async def test_what_succeeded_is_kept_when_it_is_cancelled(folder: Path) -> None:
    ground = Ground()
    ground.gates["n1"] = anyio.Event()
    into = PreparedAgentFiles()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: ground.files.prepare(many(folder, 3), into=into))
        await anyio.wait_all_tasks_blocked()
        while len(ground.transport.requests) < 3:
            await anyio.wait_all_tasks_blocked()
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert into.uploaded_file_ids == ["file-n0", "file-n2"]
    assert [one["path"] for one in into.files] == ["/workspace/0", "/workspace/2"]
    assert ground.transport.open_responses == 0


async def test_nothing_is_uploaded_for_nothing() -> None:
    ground = Ground()
    assert await ground.files.prepare({}) == PreparedAgentFiles()
    assert ground.transport.requests == []


@pytest.mark.parametrize(
    "place",
    [
        "",
        "a",
        "/a",
        "/workspace",
        "/workspace/",
        "/workspace/a/",
        "/workspace//a",
        "/workspace/../a",
        "/workspace/./a",
        "workspace/a",
        "/workspaces/a",
        "/workspace/a\0",
    ],
)
async def test_places_that_cannot_be_taken_are_refused_before_anything_is_sent(folder: Path, place: str) -> None:
    ground = Ground()
    for work in (
        lambda: ground.files.prepare({"/workspace/b": folder / "b.txt", place: folder / "a.txt"}),
        lambda: ground.files.prepare_directory(folder, destination=place, include=["*.csv"]),
        lambda: ground.files.upload("env", file=b"x", path=place),
    ):
        with pytest.raises(ValueError, match="cannot go to"):
            await work()
    assert ground.transport.requests == []


@given(st.lists(st.text(alphabet="a./\\é ", max_size=4), max_size=4).map("/".join))
def test_a_place_is_below_the_workspace_or_refused(rest: str) -> None:
    try:
        place = _checked_place(f"/workspace/{rest}")
    except ValueError:
        return
    parts = place.split("/")
    assert parts[:2] == ["", "workspace"]
    assert not {"", ".", ".."} & {*parts[2:]}


async def test_what_is_no_file_is_refused_before_anything_is_sent(folder: Path) -> None:
    ground = Ground()
    (folder / "link").symlink_to(folder / "a.txt")
    for path, words in ((folder / "none", "No such file"), (folder / "link", "is a link"), (folder / "sub", "no file")):
        with pytest.raises(ValueError, match=words):
            await ground.files.prepare({"/workspace/a": folder / "a.txt", "/workspace/b": str(path)})
    assert ground.transport.requests == []


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["*.txt"], ["a.txt", "b.txt"]),
        (["**/*.txt"], ["a.txt", "b.txt", "sub/d.txt", "sub/deep/e.txt"]),
        (["*.csv", "c.*", "nothing"], ["c.csv"]),
        (["sub/*"], ["sub/d.txt"]),
        ([".*"], [".hidden"]),
        (["./a.txt"], ["a.txt"]),
    ],
)
async def test_patterns_choose_the_files_of_a_directory(folder: Path, patterns: list[str], names: list[str]) -> None:
    prepared = await Ground().files.prepare_directory(folder, destination="/workspace/in", include=patterns)
    assert [one["path"] for one in prepared.files] == [f"/workspace/in/{name}" for name in names]


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        ([], "chooses nothing"),
        ("*.txt", "chooses nothing"),
        (["../*"], "leads out"),
        (["/etc/*"], "leads out"),
        (["sub/../a.txt"], "leads out"),
        ([""], "leads out"),
        (["nothing", "sub"], "no file in"),
    ],
)
async def test_patterns_that_choose_nothing_or_lead_out_are_refused(folder: Path, patterns: Any, words: str) -> None:
    ground = Ground()
    with pytest.raises(ValueError, match=words):
        await ground.files.prepare_directory(folder, destination="/workspace/in", include=patterns)
    assert ground.transport.requests == []


async def test_links_are_refused_wherever_they_stand(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.txt").write_text("s")
    (folder / "way").symlink_to(outside)
    (folder / "l.txt").symlink_to(outside / "secret.txt")
    (outside / "root").symlink_to(folder)
    ground = Ground()
    for root, pattern in ((folder, "way/*"), (folder, "l.txt"), (outside / "root", "*.csv")):
        with pytest.raises(ValueError, match="link"):
            await ground.files.prepare_directory(root, destination="/workspace/in", include=[pattern])
    for root in (folder / "a.txt", folder / "none"):
        with pytest.raises(ValueError, match="no directory"):
            await ground.files.prepare_directory(root, destination="/workspace/in", include=["*"])
    assert ground.transport.requests == []


async def test_a_file_is_uploaded_and_put_into_an_environment() -> None:
    ground = Ground()
    staged = await ground.files.upload(
        "env",
        file=("n.txt", b"x", "text/plain"),
        path="/workspace/n.txt",
        idempotency_key="one",
        extra_headers={"X-A": "1"},
    )
    assert (staged.uploaded_file_id, staged.file.path) == ("file-n.txt", "p")
    upload, staging = ground.transport.requests
    assert staging.json() == {"path": "/workspace/n.txt", "type": "file_id", "file_id": "file-n.txt"}
    assert staging.headers["openai-beta"] == "agents=v1"
    assert (upload.headers["idempotency-key"], upload.headers["x-a"], staging.headers["x-a"]) == ("one", "1", "1")
    assert staging.headers["idempotency-key"] != "one"


async def test_an_upload_that_cannot_be_put_there_is_named() -> None:
    ground = Ground(Answer.error(400, "no"))
    with pytest.raises(AgentFileStagingError, match="file-n") as caught:
        await ground.files.upload("env", file=("n", b"x"), path="/workspace/n")
    assert caught.value.uploaded_file_id == "file-n"
    assert isinstance(caught.value.__cause__, BadRequestError)
    ground.refused.add("n")
    with pytest.raises(BadRequestError):
        await ground.files.upload("env", file=("n", b"x"), path="/workspace/n")


async def test_the_raw_view_has_no_helpers() -> None:
    raw = Ground().files.with_raw_response
    for work in (
        lambda: raw.prepare({}),
        lambda: raw.upload("env", file=b"x", path="/workspace/n"),
    ):
        with pytest.raises(TypeError, match="raw view"):
            await work()
