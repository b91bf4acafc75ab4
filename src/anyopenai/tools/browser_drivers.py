"""What an application brings for a browser toolset: protocols of drivers; what calls them is elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..types.responses.response_input_image_content_param import ResponseInputImageContentParam
    from .browser_inputs import ClickInput, NavigateInput, ReadPageInput, TabInput
    from .browser_state import BrowserReadV1, BrowserState

__all__ = (
    "AsyncBrowserClickDriver",
    "AsyncBrowserDriver",
    "AsyncBrowserNavigationDriver",
    "AsyncBrowserReadDriver",
    "AsyncBrowserScreenshotDriver",
    "BrowserClickDriver",
    "BrowserDriver",
    "BrowserNavigationDriver",
    "BrowserReadDriver",
    "BrowserScreenshotDriver",
)


class AsyncBrowserDriver(Protocol):
    """A browser that the application owns and closes: `state`, and a method for each member that it offers.

    A method is called like the member and takes that member's input: `async def find(self, action: FindInput)`. Reads
    return text, a `BrowserReadV1` or None; `read_page_scoped` a `BrowserScopedReadV1`; `read_diagnostics` a
    `BrowserReadV1` without elements; `screenshot` and `zoom` an image; `run_script` text; `upload_file` and
    `download_file` a `BrowserFileOutcome`; the others text or None. The driver decides what is permitted on a page,
    which URLs redirects may lead to and what is private.

    Cancellation reaches a method at its awaits and leaves the browser to the application.
    """

    async def state(self) -> BrowserState:
        """Say which tabs there are."""
        ...


class AsyncBrowserNavigationDriver(AsyncBrowserDriver, Protocol):
    """A driver that opens pages."""

    async def navigate(self, action: NavigateInput) -> None:
        """Open a URL that the policy permitted; where it redirects to is for the driver to permit."""
        ...


class AsyncBrowserReadDriver(AsyncBrowserDriver, Protocol):
    """A driver that reads pages."""

    async def read_page(self, action: ReadPageInput) -> str | BrowserReadV1 | None:
        """Read a page."""
        ...


class AsyncBrowserClickDriver(AsyncBrowserDriver, Protocol):
    """A driver that clicks on elements."""

    async def click(self, action: ClickInput) -> None:
        """Click on an element; raise `BrowserError` where the reference means nothing any more."""
        ...


class AsyncBrowserScreenshotDriver(AsyncBrowserDriver, Protocol):
    """A driver that takes pictures."""

    async def screenshot(self, action: TabInput) -> ResponseInputImageContentParam:
        """Take a picture of a tab: `{"type": "input_image", "image_url": "data:image/png;base64,..."}`."""
        ...


BrowserClickDriver = AsyncBrowserClickDriver
BrowserDriver = AsyncBrowserDriver
BrowserNavigationDriver = AsyncBrowserNavigationDriver
BrowserReadDriver = AsyncBrowserReadDriver
BrowserScreenshotDriver = AsyncBrowserScreenshotDriver
