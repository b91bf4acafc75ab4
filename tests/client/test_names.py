"""Public names: those of openai-python with an asynchronous meaning, and doors for what comes later."""

from __future__ import annotations

import inspect
import types

import pytest

import anyopenai
import anyopenai.pagination
from anyopenai.errors import NotYetSupportedError

# openai.__all__ of openai-python 3.51.0.
PEER = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncBedrockOpenAI",
    "AsyncClient",
    "AsyncComputerDriver",
    "AsyncComputerToolset",
    "AsyncOpenAI",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "BaseModel",
    "BedrockOpenAI",
    "Client",
    "ComputerDriver",
    "ComputerToolset",
    "ConflictError",
    "ContentFilterFinishReasonError",
    "DEFAULT_CONNECTION_LIMITS",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "DataResidency",
    "DefaultAioHttpClient",
    "DefaultAsyncHttpx2Client",
    "DefaultAsyncHttpxClient",
    "DefaultHttpx2Client",
    "DefaultHttpxClient",
    "InternalServerError",
    "InvalidWebhookSignatureError",
    "LengthFinishReasonError",
    "NOT_GIVEN",
    "NoneType",
    "NotFoundError",
    "NotGiven",
    "OAuthError",
    "Omit",
    "OpenAI",
    "OpenAIError",
    "PermissionDeniedError",
    "ProxiesTypes",
    "RateLimitError",
    "ReconnectingEvent",
    "ReconnectingOverrides",
    "RequestOptions",
    "Stream",
    "Timeout",
    "Transport",
    "UnprocessableEntityError",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
    "__title__",
    "__version__",
    "file_from_path",
    "not_given",
    "omit",
    "types",
]

LATER = [name for name in PEER if name in anyopenai._LATER]


@pytest.mark.parametrize("name", PEER)
def test_a_name_of_openai_python_is_there(name: str) -> None:
    assert getattr(anyopenai, name) is getattr(anyopenai, name)
    assert name in dir(anyopenai)


@pytest.mark.parametrize("name", [*LATER, "AzureOpenAI"])
def test_a_name_of_later_says_what_to_use_when_it_is_used(name: str) -> None:
    door = getattr(anyopenai, name)
    assert inspect.isclass(door)
    with pytest.raises(NotYetSupportedError, match=f"^{name}: .*"):
        door(api_key="k")


def test_the_pages_have_their_asynchronous_names_only() -> None:
    names = ["AsyncPage", "AsyncCursorPage", "AsyncConversationCursorPage", "AsyncNextCursorPage", "AsyncTokenPage"]
    for name in names:
        assert issubclass(getattr(anyopenai.pagination, name), anyopenai.pagination.BasePage)
    assert not any(name.startswith("Sync") for name in dir(anyopenai.pagination))


def test_two_names_of_one_thing_are_one_thing() -> None:
    assert anyopenai.AsyncOpenAI is anyopenai.OpenAI is anyopenai.AsyncClient is anyopenai.Client
    assert anyopenai.AsyncStream is anyopenai.Stream
    assert anyopenai.NOT_GIVEN is anyopenai.omit is anyopenai.not_given
    assert anyopenai.NoneType is type(None)


def test_every_public_name_exists_and_unknown_ones_do_not() -> None:
    for name in anyopenai.__all__:
        getattr(anyopenai, name)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        anyopenai.nonsense  # noqa: B018 - reading it is what raises


def test_a_star_import_gives_the_public_names() -> None:
    namespace: dict[str, object] = {}
    exec("from anyopenai import *", namespace)
    assert set(anyopenai.__all__) <= set(namespace)
    assert isinstance(namespace["types"], types.ModuleType)


def test_the_version_is_that_of_the_package() -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        assert anyopenai.__version__ == version("anyopenai")
    except PackageNotFoundError:
        pytest.skip("the package is not installed here")
    assert anyopenai.__title__ == "anyopenai"


def test_what_a_model_may_be_given_as() -> None:
    from anyopenai import DEFAULT_CONNECTION_LIMITS, DEFAULT_MAX_RETRIES, DEFAULT_TIMEOUT, Timeout, file_from_path

    assert DEFAULT_MAX_RETRIES == 2
    assert Timeout(600, connect=5) == DEFAULT_TIMEOUT
    assert DEFAULT_CONNECTION_LIMITS.max_connections == 1000
    name, path = file_from_path("/tmp/some/notes.txt")
    assert (name, str(path)) == ("notes.txt", "/tmp/some/notes.txt")
