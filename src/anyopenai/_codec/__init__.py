"""JSON to types and back: base classes of generated types, cached decoders, request bodies; no I/O and no clock."""

from __future__ import annotations

from .decoder import ResponseDecoder, decoder_for
from .encoder import encode
from .holder import VectorHolder
from .literal import Literal
from .model import BaseModel
from .plain import DecodeFailure, decode_any
from .unknown import UnknownObject
from .variants import Resolved, Variant
from .vector import Vector, VectorWire

__all__ = (
    "BaseModel",
    "DecodeFailure",
    "Literal",
    "Resolved",
    "ResponseDecoder",
    "UnknownObject",
    "Variant",
    "Vector",
    "VectorHolder",
    "VectorWire",
    "decode_any",
    "decoder_for",
    "encode",
)
