"""What can go wrong with a call, and what each exception knows about it."""

import anyio

import anyopenai
from anyopenai import OpenAI


async def main() -> None:
    async with OpenAI() as client:
        try:
            await client.models.retrieve("no-such-model")
        except anyopenai.RateLimitError as error:
            print("too many requests, or the quota is used up:", error.code)
        except anyopenai.APIStatusError as error:
            # request_id is what OpenAI's support asks for.
            print(error.status_code, error.message, "request:", error.request_id)
        except anyopenai.APIConnectionError as error:
            # "none": the server has not seen the request, so it can be sent again without harm.
            print("no answer:", error, "sent:", error.request_sent)


if __name__ == "__main__":
    anyio.run(main)
