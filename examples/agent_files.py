"""Give an agent the files of a directory, and fetch what it made of them; the server is scripted."""

from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from anyopenai import OpenAI
from anyopenai.agents import AgentFilePreparationError, PreparedAgentFiles
from anyopenai.testing import Answer, FakeTransport


async def chart(client: OpenAI, folder: Path) -> None:
    """Have every table of a directory made into one chart."""
    agents = client.beta.agents
    # Filled also when preparing fails or is cancelled, so that no upload is left behind.
    prepared = PreparedAgentFiles()
    try:
        await agents.environments.files.prepare_directory(
            folder, destination="/workspace/tables", include=["*.csv"], into=prepared
        )
        stream = await agents.sessions.create(
            environment={"type": "openai_hosted", "files": prepared.files},
            agent={"model": "gpt-5.5"},
            input="Draw a chart of the tables in /workspace/tables as /workspace/chart.svg.",
            stream=True,
        )
        async with stream:
            result = await stream.get_final_result()
        made = agents.sessions.artifacts.for_result(result)
        artifact = await made.download("/workspace/chart.svg", to=folder / "chart.svg")
        print("chart:", artifact.path, artifact.size_bytes, "bytes")
    except AgentFilePreparationError as error:
        print("not uploaded:", error.__cause__)
    finally:
        with anyio.CancelScope(shield=True):
            for file_id in prepared.uploaded_file_ids:
                await client.files.delete(file_id)
                print("deleted:", file_id)


async def main() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        for number in (1, 2):
            (folder / f"table{number}.csv").write_text("x,y\n1,2\n")
        async with OpenAI(api_key="any", transport=scripted()) as client:
            await chart(client, folder)
        print("written:", (folder / "chart.svg").read_text())


def scripted() -> FakeTransport:
    """Answer as a server does whose agent draws a chart."""
    idle = {"id": "sess_1", "object": "agent.session", "status": "idle"}
    turn = {"id": "turn_1", "object": "agent.session.turn", "session_id": "sess_1"}
    artifact = {"id": "art_1", "object": "agent.session.artifact", "turn_id": "turn_1", "path": "/workspace/chart.svg"}
    chart = b"<svg/>"
    transport = FakeTransport()
    transport.route(
        "POST",
        "/v1/files",
        *(Answer(json={"id": f"file_{number}", "object": "file"}) for number in (1, 2)),
    )
    transport.route("DELETE", "/files/*", Answer(json={"id": "file", "object": "file", "deleted": True}))
    transport.route(
        "POST",
        "/agents/sessions",
        Answer(
            events=[
                {"type": "agent.session.created", "session": idle},
                {"type": "agent.session.turn.created", "turn": {**turn, "status": "queued"}},
                {"type": "agent.session.turn.completed", "turn": {**turn, "status": "completed"}},
                {"type": "agent.session.idle", "session": idle},
            ]
        ),
    )
    listed = {"object": "list", "data": [{**artifact, "size_bytes": len(chart)}], "has_more": False}
    transport.route("GET", "/agents/sessions/sess_1/artifacts", Answer(json=listed))
    transport.route("GET", "/artifacts/art_1/content", Answer(content=chart))
    return transport


if __name__ == "__main__":
    anyio.run(main)
