"""An async-only OpenAI SDK for asyncio and trio: the public names, each loaded on first use.

`import anyopenai` loads nothing but the table below; what a name needs comes with its first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__

if TYPE_CHECKING:
    from types import NoneType

    from . import pagination, types
    from ._codec import BaseModel
    from ._contract import NOT_GIVEN, NotGiven, Omit, RequestOptions, not_given, omit
    from ._engine.iteration import Paginator, Stream
    from ._engine.merge import Merged, Tagged, merge
    from ._engine.response import BinaryResponse, RawResponse, StreamedResponse
    from ._engine.tee import TeeReader, tee
    from ._engine.text_stream import TextStream
    from ._files import file_from_path
    from ._sansio.retry import RetryPolicy
    from ._sansio.usage import Usage, UsageLedger
    from ._timeouts import DEFAULT_TIMEOUT, Timeout
    from ._transport_options import ConnectionLimits
    from .client import (
        DEFAULT_CONNECTION_LIMITS,
        DEFAULT_MAX_RETRIES,
        DataResidency,
        OpenAI,
        ProxiesTypes,
    )
    from .errors import (
        APIConnectionError,
        APIError,
        APIResponseValidationError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ClientClosedError,
        ConflictError,
        ContentFilterFinishReasonError,
        DeadlineExceeded,
        InternalServerError,
        InvalidToolCallError,
        InvalidWebhookSignatureError,
        LengthFinishReasonError,
        MalformedEvent,
        MissingCredentialsError,
        MissingExtraError,
        NotFoundError,
        NotYetSupportedError,
        OAuthError,
        OpenAIError,
        PermissionDeniedError,
        ProxyError,
        RateLimitError,
        ResumePoint,
        StreamGap,
        StreamTruncated,
        ToolLoopAborted,
        ToolLoopError,
        ToolLoopLimitError,
        UnprocessableEntityError,
        UnsupportedSchemaError,
        WebSocketConnectionClosedError,
        WebSocketQueueFullError,
        WrongEventLoopError,
    )
    from .forwarding import EventStreamResponse, Forwarded
    from .streaming.assistant_handler import AsyncAssistantEventHandler
    from .structured.tool import FunctionTool, function_tool, pydantic_function_tool, pydantic_responses_function_tool
    from .tools.call import ToolOutput
    from .tools.call_table import bind_tool
    from .tools.computer import AsyncComputerToolset, ComputerToolset
    from .tools.computer_driver import AsyncComputerDriver, ComputerDriver
    from .tools.response_items import to_response_input_items
    from .transport.adapters.defaults import DefaultAioHttpClient, DefaultAsyncHttpx2Client, DefaultAsyncHttpxClient
    from .transport.base import Middleware, Transport

    AsyncOpenAI = OpenAI
    AsyncClient = OpenAI
    Client = OpenAI
    AsyncStream = Stream

__title__ = "anyopenai"

# Where each name lives, and what it is called there if that is something else.
_DOORS: dict[str, tuple[str, str | None]] = {
    **dict.fromkeys(
        (
            "APIConnectionError",
            "APIError",
            "APIResponseValidationError",
            "APIStatusError",
            "APITimeoutError",
            "AuthenticationError",
            "BadRequestError",
            "ClientClosedError",
            "ConflictError",
            "ContentFilterFinishReasonError",
            "DeadlineExceeded",
            "InternalServerError",
            "InvalidToolCallError",
            "InvalidWebhookSignatureError",
            "LengthFinishReasonError",
            "MalformedEvent",
            "MissingCredentialsError",
            "MissingExtraError",
            "NotFoundError",
            "NotYetSupportedError",
            "OAuthError",
            "OpenAIError",
            "PermissionDeniedError",
            "ProxyError",
            "RateLimitError",
            "ResumePoint",
            "StreamGap",
            "StreamTruncated",
            "ToolLoopAborted",
            "ToolLoopError",
            "ToolLoopLimitError",
            "UnprocessableEntityError",
            "UnsupportedSchemaError",
            "WebSocketConnectionClosedError",
            "WebSocketQueueFullError",
            "WrongEventLoopError",
        ),
        ("errors", None),
    ),
    **dict.fromkeys(
        ("NOT_GIVEN", "NotGiven", "Omit", "RequestOptions", "not_given", "omit"),
        ("_contract", None),
    ),
    **dict.fromkeys(
        ("DEFAULT_CONNECTION_LIMITS", "DEFAULT_MAX_RETRIES", "DataResidency", "OpenAI", "ProxiesTypes"),
        ("client", None),
    ),
    **dict.fromkeys(("AsyncClient", "AsyncOpenAI", "Client"), ("client", "OpenAI")),
    **dict.fromkeys(("BinaryResponse", "RawResponse", "StreamedResponse"), ("_engine.response", None)),
    **dict.fromkeys(
        ("DefaultAioHttpClient", "DefaultAsyncHttpx2Client", "DefaultAsyncHttpxClient"),
        ("transport.adapters.defaults", None),
    ),
    **dict.fromkeys(("Middleware", "Transport"), ("transport.base", None)),
    **dict.fromkeys(("DEFAULT_TIMEOUT", "Timeout"), ("_timeouts", None)),
    **dict.fromkeys(
        ("FunctionTool", "function_tool", "pydantic_function_tool", "pydantic_responses_function_tool"),
        ("structured.tool", None),
    ),
    **dict.fromkeys(("Paginator", "Stream"), ("_engine.iteration", None)),
    **dict.fromkeys(("Merged", "Tagged", "merge"), ("_engine.merge", None)),
    **dict.fromkeys(("TeeReader", "tee"), ("_engine.tee", None)),
    **dict.fromkeys(("EventStreamResponse", "Forwarded"), ("forwarding", None)),
    **dict.fromkeys(("Usage", "UsageLedger"), ("_sansio.usage", None)),
    "ToolOutput": ("tools.call", None),
    "bind_tool": ("tools.call_table", None),
    **dict.fromkeys(("AsyncComputerToolset", "ComputerToolset"), ("tools.computer", None)),
    **dict.fromkeys(("AsyncComputerDriver", "ComputerDriver"), ("tools.computer_driver", None)),
    "to_response_input_items": ("tools.response_items", None),
    "AsyncAssistantEventHandler": ("streaming.assistant_handler", None),
    "AsyncStream": ("_engine.iteration", "Stream"),
    "BaseModel": ("_codec", None),
    "ConnectionLimits": ("_transport_options", None),
    "TextStream": ("_engine.text_stream", None),
    "RetryPolicy": ("_sansio.retry", None),
    "file_from_path": ("_files", None),
}

_MODULES = (
    "agents",
    "errors",
    "lib",
    "pagination",
    "streaming",
    "structured",
    "testing",
    "tools",
    "transport",
    "types",
)

# Names that openai-python's users import, whose feature this version does not have: importing them works, using them
# says what to do instead.
_LATER: dict[str, str] = {
    "AssistantEventHandler": "the client is asynchronous; subclass AsyncAssistantEventHandler, whose hooks are coroutines",
    **dict.fromkeys(
        ("AsyncAzureOpenAI", "AzureOpenAI"),
        "Azure is not there yet; use OpenAI(base_url='https://NAME.openai.azure.com/openai/v1/', api_key=...)",
    ),
    **dict.fromkeys(
        ("AsyncBedrockOpenAI", "BedrockOpenAI"),
        "Amazon Bedrock is not there yet; use OpenAI(base_url=..., api_key=...) with a Bedrock API key",
    ),
    **dict.fromkeys(
        ("DefaultHttpx2Client", "DefaultHttpxClient"),
        "the client is asynchronous; use DefaultAsyncHttpxClient(...) or an httpx.AsyncClient as http_client=",
    ),
    **dict.fromkeys(
        ("ReconnectingEvent", "ReconnectingOverrides"),
        "WebSocket sessions are not there yet; use client.responses.create(..., stream=True)",
    ),
}

__all__ = (
    "DEFAULT_CONNECTION_LIMITS",
    "DEFAULT_MAX_RETRIES",
    "DEFAULT_TIMEOUT",
    "NOT_GIVEN",
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncAssistantEventHandler",
    "AsyncClient",
    "AsyncComputerDriver",
    "AsyncComputerToolset",
    "AsyncOpenAI",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "BaseModel",
    "BinaryResponse",
    "Client",
    "ClientClosedError",
    "ComputerDriver",
    "ComputerToolset",
    "ConflictError",
    "ConnectionLimits",
    "ContentFilterFinishReasonError",
    "DataResidency",
    "DeadlineExceeded",
    "DefaultAioHttpClient",
    "DefaultAsyncHttpx2Client",
    "DefaultAsyncHttpxClient",
    "EventStreamResponse",
    "Forwarded",
    "FunctionTool",
    "InternalServerError",
    "InvalidToolCallError",
    "InvalidWebhookSignatureError",
    "LengthFinishReasonError",
    "MalformedEvent",
    "Merged",
    "Middleware",
    "MissingCredentialsError",
    "MissingExtraError",
    "NoneType",
    "NotFoundError",
    "NotGiven",
    "NotYetSupportedError",
    "OAuthError",
    "Omit",
    "OpenAI",
    "OpenAIError",
    "Paginator",
    "PermissionDeniedError",
    "ProxiesTypes",
    "ProxyError",
    "RateLimitError",
    "RawResponse",
    "RequestOptions",
    "ResumePoint",
    "RetryPolicy",
    "Stream",
    "StreamGap",
    "StreamTruncated",
    "StreamedResponse",
    "Tagged",
    "TeeReader",
    "TextStream",
    "Timeout",
    "ToolLoopAborted",
    "ToolLoopError",
    "ToolLoopLimitError",
    "ToolOutput",
    "Transport",
    "UnprocessableEntityError",
    "UnsupportedSchemaError",
    "Usage",
    "UsageLedger",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
    "WrongEventLoopError",
    "__title__",
    "__version__",
    "bind_tool",
    "file_from_path",
    "function_tool",
    "merge",
    "not_given",
    "omit",
    "pagination",
    "pydantic_function_tool",
    "pydantic_responses_function_tool",
    "tee",
    "to_response_input_items",
    "types",
)


if not TYPE_CHECKING:
    # Hidden from checkers, for which it would make every name there is.

    def __getattr__(name: str) -> object:
        value: object
        if name in _DOORS:
            home, inner = _DOORS[name]
            value = getattr(import_module(f".{home}", __name__), inner or name)
        elif name in _MODULES:
            value = import_module(f".{name}", __name__)
        elif name in _LATER:
            value = _later(name, _LATER[name])
        elif name == "NoneType":
            value = type(None)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value


def _later(name: str, instead: str) -> type:
    """Make the class that stands where a later version has the real one."""

    def refuse(cls: type, *args: object, **kwargs: object) -> object:
        from .errors import NotYetSupportedError

        raise NotYetSupportedError(f"{name}: {instead}")

    return type(name, (), {"__new__": refuse, "__module__": __name__, "__doc__": f"Not supported yet: {instead}."})


def __dir__() -> list[str]:
    return sorted({*__all__, *_MODULES, *_LATER})
