"""`FileContent`: what the bytes of a file may be given as."""

from __future__ import annotations

from .._files import FileContent as FileContent
