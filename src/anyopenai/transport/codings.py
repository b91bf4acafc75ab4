"""Content codings undone piece by piece, in bounded steps: gzip and deflate; no framing and no sockets here."""

from __future__ import annotations

import zlib
from typing import Final

__all__ = ("ACCEPT_ENCODING", "CodingError", "Decoder", "decoder_for")

ACCEPT_ENCODING: Final = b"gzip, deflate"
"""What a request asks for unless its caller says otherwise: exactly what can be undone here."""

# Servers apply one coding; a stack of more than a few is an attack (each layer multiplies by up to 1,000).
_MAX_LAYERS: Final = 3
_GZIP_MAGIC: Final = b"\x1f\x8b"


class CodingError(Exception):
    """A body does not follow the content coding that its head names; the message says how."""


class _Inflater:
    """One layer of gzip or deflate.

    A deflate body may lack its zlib header: old servers took the name literally, and every browser copes.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1
    """

    __slots__ = ("_engine", "_gzip", "_started", "_waiting")

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._engine = zlib.decompressobj(16 + zlib.MAX_WBITS) if gzip else None
        self._waiting = b""
        self._started = False

    def feed(self, data: bytes) -> None:
        """Take coded bytes; `read` gives what they hold."""
        if data:
            self._waiting = self._waiting + data if self._waiting else data
            self._started = True

    def read(self, max_bytes: int) -> bytes:
        """Return up to `max_bytes` decoded bytes; b"" when more coded ones are needed."""
        while self._waiting:
            engine = self._engine
            if engine is None:
                if len(self._waiting) < 2:
                    return b""
                first, second = self._waiting[:2]
                wrapped = first & 15 == 8 and (first * 256 + second) % 31 == 0
                engine = self._engine = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
            if engine.eof and not self._next_member():
                return b""
            engine = self._engine
            assert engine is not None
            try:
                decoded = engine.decompress(self._waiting, max_bytes)
            except zlib.error as error:
                name = "gzip" if self._gzip else "deflate"
                raise CodingError(f"the {name} data is broken ({error})") from error
            self._waiting = engine.unused_data if engine.eof else engine.unconsumed_tail
            if decoded:
                return decoded
        engine = self._engine
        # The last piece may have been cut by `max_bytes`, with nothing left over: zlib keeps the rest inside.
        return engine.decompress(b"", max_bytes) if engine is not None and not engine.eof else b""

    def _next_member(self) -> bool:
        """Go on with what follows a finished body: another gzip member, or padding, which is dropped."""
        if self._gzip and self._waiting[:2] == _GZIP_MAGIC:
            self._engine = zlib.decompressobj(16 + zlib.MAX_WBITS)
            return True
        if self._gzip and self._waiting == _GZIP_MAGIC[:1]:
            return False
        if self._waiting.strip(b"\0"):
            raise CodingError("bytes follow the end of the compressed data")
        self._waiting = b""
        return False

    def finish(self) -> None:
        """Note that no more coded bytes come."""
        if self._engine is None and self._waiting:
            raise CodingError("the deflate data ended within its header")
        if self._started and self._engine is not None and not self._engine.eof:
            raise CodingError("the compressed data ended early")


class Decoder:
    """Undoes the codings of one body: `feed` what arrived, `read` until b"", `finish` at the end.

    What is held decoded never exceeds one read per layer, however well the data was compressed.
    """

    __slots__ = ("_layers",)

    def __init__(self, layers: list[_Inflater]) -> None:
        self._layers = layers

    def feed(self, data: bytes) -> None:
        """Take coded bytes as they arrived."""
        self._layers[0].feed(data)

    def read(self, max_bytes: int) -> bytes:
        """Return up to `max_bytes` decoded bytes; b"" when more coded ones are needed.

        Raises:
            CodingError: The data is broken.
        """
        return self._pull(len(self._layers) - 1, max_bytes)

    def _pull(self, index: int, max_bytes: int) -> bytes:
        layer = self._layers[index]
        while True:
            decoded = layer.read(max_bytes)
            if decoded or index == 0:
                return decoded
            coded = self._pull(index - 1, max_bytes)
            if not coded:
                return b""
            layer.feed(coded)

    def finish(self) -> None:
        """Note the end of the body.

        Raises:
            CodingError: The data ended early.
        """
        for layer in self._layers:
            layer.finish()


def decoder_for(encodings: tuple[bytes, ...]) -> Decoder | None:
    """Return what undoes these codings, in the order they were applied; None if one of them is unknown.

    Raises:
        CodingError: There are more layers than any honest server applies.
    """
    if len(encodings) > _MAX_LAYERS:
        raise CodingError(f"the body was coded {len(encodings)} times")
    layers: list[_Inflater] = []
    for coding in reversed(encodings):
        if coding in (b"gzip", b"x-gzip"):
            layers.append(_Inflater(gzip=True))
        elif coding == b"deflate":
            layers.append(_Inflater(gzip=False))
        else:
            return None
    return Decoder(layers)
