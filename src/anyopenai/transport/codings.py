"""Content codings undone piece by piece, in bounded steps: gzip, deflate, optionally br and zstd; no framing here."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, Protocol

__all__ = ("ACCEPT_ENCODING", "CodingError", "Decoder", "decoder_for")

# Servers apply one coding; a stack of more than a few is an attack (each layer multiplies by up to 1,000).
_MAX_LAYERS: Final = 3
_GZIP_MAGIC: Final = b"\x1f\x8b"
# RFC 9659: who sends zstd over HTTP must not ask for a window of more than 8 MiB to undo it.
_ZSTD_WINDOW_LOG: Final = 23


class CodingError(Exception):
    """A body does not follow the content coding that its head names; the message says how."""


class _Layer(Protocol):
    """One coding of one body."""

    def feed(self, data: bytes) -> None:
        """Take coded bytes; `read` gives what they hold."""
        ...

    def read(self, max_bytes: int) -> bytes:
        """Return up to `max_bytes` decoded bytes; b"" when more coded ones are needed."""
        ...

    def finish(self) -> None:
        """Note that no more coded bytes come."""
        ...


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


class _Brotli:
    """One layer of br.

    Source: https://www.rfc-editor.org/rfc/rfc7932
    """

    __slots__ = ("_engine", "_error", "_over", "_started", "_waiting")

    def __init__(self, library: Any) -> None:
        self._engine = library.Decompressor()
        self._error: type[Exception] = library.error
        self._waiting = b""
        self._over = b""
        self._started = False

    def feed(self, data: bytes) -> None:
        """Take coded bytes; `read` gives what they hold."""
        if data:
            self._waiting = self._waiting + data if self._waiting else data
            self._started = True

    def read(self, max_bytes: int) -> bytes:
        """Return up to `max_bytes` decoded bytes; b"" when more coded ones are needed."""
        engine = self._engine
        while not self._over and self._started:
            if engine.is_finished():
                if self._waiting:
                    raise CodingError("bytes follow the end of the compressed data")
                return b""
            data = b""
            if self._waiting and engine.can_accept_more_data():
                data, self._waiting = self._waiting, b""
            try:
                # Asked without data as well: it may say that it takes more while it still has something to give. The
                # limit is where its buffer stops to grow, which is some 32 KiB at first.
                self._over = engine.process(data, output_buffer_limit=max_bytes)
            except self._error as error:
                raise CodingError(f"the br data is broken ({error})") from error
            if not (self._over or data or (self._waiting and engine.can_accept_more_data())):
                break
        decoded, self._over = self._over[:max_bytes], self._over[max_bytes:]
        return decoded

    def finish(self) -> None:
        """Note that no more coded bytes come."""
        if self._started and not self._engine.is_finished():
            raise CodingError("the compressed data ended early")


class _Zstd:
    """One layer of zstd: frames one after the other, those to skip included.

    Source: https://www.rfc-editor.org/rfc/rfc8878
    """

    __slots__ = ("_engine", "_library", "_waiting")

    def __init__(self, library: Any) -> None:
        self._library = library
        self._engine: Any = None
        self._waiting = b""

    def feed(self, data: bytes) -> None:
        """Take coded bytes; `read` gives what they hold."""
        self._waiting = self._waiting + data if self._waiting else data

    def read(self, max_bytes: int) -> bytes:
        """Return up to `max_bytes` decoded bytes; b"" when more coded ones are needed."""
        library = self._library
        while self._waiting or (self._engine is not None and not self._engine.needs_input):
            if self._engine is None:
                self._engine = library.ZstdDecompressor(
                    options={library.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
                )
            engine = self._engine
            data, self._waiting = self._waiting, b""
            try:
                decoded: bytes = engine.decompress(data, max_bytes)
            except library.ZstdError as error:
                raise CodingError(f"the zstd data is broken ({error})") from error
            if engine.eof:
                self._waiting = engine.unused_data
                self._engine = None
            if decoded:
                return decoded
        return b""

    def finish(self) -> None:
        """Note that no more coded bytes come."""
        if self._engine is not None:
            raise CodingError("the compressed data ended early")


def _optional_layers() -> Mapping[bytes, Callable[[], _Layer]]:
    """Return how to undo the codings that need libraries which may not be there."""
    layers: dict[bytes, Callable[[], _Layer]] = {}
    brotli = _library("brotli")
    # Before 1.2 its output could not be bounded: a kilobyte became a gigabyte in one step (CVE-2025-6176).
    if brotli is not None and hasattr(getattr(brotli, "Decompressor", None), "can_accept_more_data"):
        layers[b"br"] = lambda: _Brotli(brotli)
    zstd = _library("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    if zstd is not None:
        layers[b"zstd"] = lambda: _Zstd(zstd)
    return layers


def _library(name: str) -> Any:
    """Import a library, or return None: Python itself may have been built without one."""
    try:
        return import_module(name)
    except ImportError:
        return None


_OPTIONAL: Final = _optional_layers()

ACCEPT_ENCODING: Final = b", ".join((b"gzip", b"deflate", *_OPTIONAL))
"""What a request asks for unless its caller says otherwise: exactly what can be undone here."""


class Decoder:
    """Undoes the codings of one body: `feed` what arrived, `read` until b"", `finish` at the end.

    What is held decoded never exceeds one read per layer, however well the data was compressed.
    """

    __slots__ = ("_layers",)

    def __init__(self, layers: list[_Layer]) -> None:
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
    layers: list[_Layer] = []
    for coding in reversed(encodings):
        if coding in (b"gzip", b"x-gzip"):
            layers.append(_Inflater(gzip=True))
        elif coding == b"deflate":
            layers.append(_Inflater(gzip=False))
        elif coding in _OPTIONAL:
            layers.append(_OPTIONAL[coding]())
        else:
            return None
    return Decoder(layers)
