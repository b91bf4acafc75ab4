"""`Base64EmbeddingResponse`: the embeddings answer of a caller who asked for base64 and keeps it; written by hand."""

from __future__ import annotations

from ._base import BaseModel, Literal
from .create_embedding_response import Usage


class Base64Embedding(BaseModel, kw_only=True):
    """Found in `Base64EmbeddingResponse.data`."""

    index: int
    embedding: str
    """The vector as base64 of little-endian 32-bit floats."""
    object: Literal["embedding"]


class Base64EmbeddingResponse(BaseModel, kw_only=True):
    """The answer of `embeddings.create(encoding_format="base64")`."""

    data: list[Base64Embedding]
    model: str
    object: Literal["list"]
    usage: Usage
