"""Use a company's configured httpx client: its proxies, certificates and hooks stay in force."""

import anyio
import httpx

from anyopenai import OpenAI


async def count(response: httpx.Response) -> None:
    print("hook:", response.status_code, response.request.url.path)


async def main() -> None:
    # proxy="http://proxy.example:3128" and verify=ssl_context would go here.
    company = httpx.AsyncClient(timeout=httpx.Timeout(60.0, connect=5.0), event_hooks={"response": [count]})
    async with OpenAI(http_client=company) as client:
        response = await client.responses.create(model="gpt-5.5", input="Say hello.")
        print(response.output_text)


if __name__ == "__main__":
    anyio.run(main)
