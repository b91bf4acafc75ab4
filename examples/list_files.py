"""Upload a file, list files page by page without seeing the pages, and delete it."""

import anyio

from anyopenai import OpenAI


async def main() -> None:
    async with OpenAI() as client:
        uploaded = await client.files.create(file=("notes.jsonl", b'{"text": "hello"}\n'), purpose="user_data")
        # Each further page is fetched when the loop gets there.
        async for file in client.files.list(limit=2):
            print(file.id, file.filename, file.bytes)
        content = await client.files.content(uploaded.id)
        print(content.read().decode().strip())
        await client.files.delete(uploaded.id)


if __name__ == "__main__":
    anyio.run(main)
