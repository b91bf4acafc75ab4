"""Run a model with tools so that a process that ends, however it ends, can be gone on from by the next one."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from anyopenai import OpenAI, function_tool
from anyopenai.tools import (
    AsyncRegisteredFunction,
    AsyncResponsesToolLedger,
    AsyncResponsesToolRunner,
    ResponsesToolCheckpoint,
)


@function_tool
async def reserve_table(guests: int) -> str:
    """Reserve a table at the restaurant."""
    print("reserving for", guests)
    return "reserved"


@function_tool
def send_invitation(name: str) -> str:
    """Send an invitation by mail."""
    print("inviting", name)  # a plain function runs in a worker thread
    return "sent"


def runner() -> AsyncResponsesToolRunner:
    return AsyncResponsesToolRunner(
        functions=[
            AsyncRegisteredFunction.from_tool(reserve_table),
            AsyncRegisteredFunction.from_tool(send_invitation, independent=True),
        ]
    )


class LedgerFile:
    """The last checkpoint of a run in a file, which is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, checkpoint: ResponsesToolCheckpoint) -> None:
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(checkpoint))
        new.replace(self.path)

    def load(self) -> ResponsesToolCheckpoint:
        found: ResponsesToolCheckpoint = json.loads(self.path.read_text())
        return found


async def main() -> None:
    with TemporaryDirectory() as directory:
        file = LedgerFile(Path(directory) / "party.json")
        async with OpenAI() as client:
            # The first process ends when it has seen what the model wants to call, and before anything was called.
            async with runner().iterate(
                client,
                {"model": "gpt-5.5", "input": "reserve_table, then send_invitation to Ada"},
                ledger=AsyncResponsesToolLedger("party-1", file.save),
            ) as turns:
                turn = await anext(turns)
                print("proposed:", len(turn.response.output), "items")

            # The next one goes on: what was attempted is not attempted again, what was not is called now.
            checkpoint = file.load()
            print("going on from revision", checkpoint["revision"], checkpoint["phase"])
            second = runner()
            response = await second.run(
                client, {"model": "gpt-5.5"}, ledger=AsyncResponsesToolLedger("party-1", file.save, checkpoint)
            )
            print("called:", len(second.completed_call_ids), "of", len(second.attempted_call_ids))
            print("answer:", response.output_text)


if __name__ == "__main__":
    anyio.run(main)
