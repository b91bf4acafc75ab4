"""Run against the local stand-in: no key, no network, a real server on a real socket."""

import anyio

from anyopenai import OpenAI
from anyopenai.testing import serve


async def main() -> None:
    async with serve() as server, OpenAI(api_key="any", base_url=server.base_url) as client:
        completion = await client.chat.completions.create(
            model="gpt-5.5",
            messages=[{"role": "user", "content": "Hello, stand-in."}],
        )
        print(completion.choices[0].message.content)


if __name__ == "__main__":
    anyio.run(main, backend="trio")  # or "asyncio", which is the default
