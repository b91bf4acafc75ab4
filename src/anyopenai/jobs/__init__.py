"""Work that takes many requests: polls; the requests themselves are others'."""

from __future__ import annotations
