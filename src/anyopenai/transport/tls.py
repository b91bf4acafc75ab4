"""TLS: shared contexts that trust what the system trusts, and encrypted links; no HTTP here, and no environment."""

from __future__ import annotations

import platform
import re
import ssl
import threading
from contextlib import suppress
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from anyio import ClosedResourceError, to_thread

from ..errors import OpenAIError
from .backend import BackendLink

if TYPE_CHECKING:
    from collections.abc import Callable

    from .link import BareLink

__all__ = ("TLSLink", "TLSSettings", "TrustError", "context_for", "start_tls", "start_tls_backend", "tls_context")

# Where distributions keep their bundle, for a Python whose OpenSSL was built to look elsewhere.
# Source: https://github.com/tiran/certifi-system-store (the list that truststore uses too)
_BUNDLES: Final = (
    "/etc/ssl/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
)
_HASHED_NAME: Final = re.compile(r"[0-9a-fA-F]{8}\.[0-9]")


class TrustError(Exception):
    """The certificates to trust could not be read; the message says which, and what to do."""


class TLSSettings(NamedTuple):
    """What a shared context is made of.

    Attributes:
        cert_file: Bundle of trusted certificates (PEM) instead of the system's: the value of `SSL_CERT_FILE`.
        cert_dir: Directory of hashed certificates instead of the system's: the value of `SSL_CERT_DIR`.
        alpn: Protocols to offer, the favourite first.
    """

    cert_file: str | None = None
    cert_dir: str | None = None
    alpn: tuple[str, ...] = ("http/1.1",)


_contexts: dict[TLSSettings, ssl.SSLContext] = {}
_building = threading.Lock()


async def context_for(settings: TLSSettings) -> ssl.SSLContext:
    """Return the process's context for these settings; built once, in a worker thread, as that reads files for 20 ms.

    Raises:
        TrustError: A named file or directory cannot be read, or holds no certificate.
    """
    context = _contexts.get(settings)
    return context if context is not None else await to_thread.run_sync(_build_once, settings)


def _build_once(settings: TLSSettings) -> ssl.SSLContext:
    with _building:
        context = _contexts.get(settings)
        if context is None:
            context = _contexts[settings] = _build(settings)
        return context


def _build(settings: TLSSettings) -> ssl.SSLContext:
    named = settings.cert_file is not None or settings.cert_dir is not None
    if not named and platform.system() in ("Darwin", "Windows"):
        # The system itself decides there. On other systems truststore only finds OpenSSL's files, and reads them
        # again (18 ms) for every connection, so we find them ourselves, once.
        from truststore import SSLContext

        context: ssl.SSLContext = SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Not `ssl.create_default_context`: it reads the environment, and from Python 3.13 on its strict mode refuses
        # the self-made authorities that company proxies sign with.
        if named:
            try:
                context.load_verify_locations(settings.cert_file, settings.cert_dir)
            except OSError as error:
                places = " and ".join(repr(place) for place in (settings.cert_file, settings.cert_dir) if place)
                raise TrustError(
                    f"no trusted certificates could be loaded from {places} ({error.strerror or error}); "
                    "correct SSL_CERT_FILE or SSL_CERT_DIR, or unset them to trust what the system trusts"
                ) from error
        else:
            _load_system_trust(context)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(list(settings.alpn))
    return context


def tls_context(
    *,
    client_cert: str | PathLike[str] | None = None,
    client_key: str | PathLike[str] | None = None,
    password: str | None = None,
    cert_file: str | PathLike[str] | None = None,
    cert_dir: str | PathLike[str] | None = None,
    http2: bool = True,
) -> ssl.SSLContext:
    """Make a context like the package's own, with a client certificate or with other authorities to trust.

    It is for `OpenAI(ssl_context=...)`, and takes about 20 ms, as it reads files: make one at the start and share it.

    Args:
        client_cert: Certificate to show to servers that demand one, and those between it and its authority (PEM).
        client_key: Its private key (PEM); None if it is in the same file.
        password: Decrypts the key.
        cert_file: Bundle of certificates to trust instead of the system's (PEM).
        cert_dir: Directory of hashed certificates to trust instead of the system's.
        http2: Offer HTTP/2; write False together with `OpenAI(http2=False)`.

    Raises:
        OpenAIError: A file cannot be read, or does not hold what it should.
    """
    bundle, directory = (None if place is None else fspath(place) for place in (cert_file, cert_dir))
    try:
        context = _build(TLSSettings(bundle, directory, ("h2", "http/1.1") if http2 else ("http/1.1",)))
    except TrustError as error:
        raise OpenAIError(
            str(error).replace("SSL_CERT_FILE or SSL_CERT_DIR, or unset", "cert_file or cert_dir, or omit")
        ) from error
    if client_cert is not None:
        try:
            context.load_cert_chain(client_cert, client_key, password or _refuse_to_ask)
        except OSError as error:
            places = repr(fspath(client_cert)) + (f" and {fspath(client_key)!r}" if client_key is not None else "")
            raise OpenAIError(
                f"no client certificate with its key could be loaded from {places} ({error.strerror or error}); "
                "both must be PEM, belong together, and be decrypted by the password if there is one"
            ) from error
    elif client_key is not None:
        raise OpenAIError("client_key= needs client_cert=, the certificate that the key belongs to")
    return context


def _refuse_to_ask() -> str:
    """Keep OpenSSL from asking for a password on the terminal."""
    raise OpenAIError("the client certificate's key is encrypted; pass password=")


def _load_system_trust(context: ssl.SSLContext) -> None:
    """Load the system's authorities, or certifi's where the system has none."""
    # The compiled-in places; `cafile` and `capath` of the same tuple would look into the environment.
    paths = ssl.get_default_verify_paths()
    for bundle in (paths.openssl_cafile, *_BUNDLES):
        if bundle and Path(bundle).is_file():
            with suppress(ssl.SSLError, OSError):
                context.load_verify_locations(cafile=bundle)
                return
    directory = Path(paths.openssl_capath)
    if directory.is_dir() and any(_HASHED_NAME.fullmatch(entry.name) for entry in directory.iterdir()):
        context.load_verify_locations(capath=str(directory))
        return
    import certifi

    context.load_verify_locations(cafile=certifi.where())


class TLSLink:
    """A TLS connection over another link, which may be one itself: an encrypted proxy carries encrypted connections.

    All work on the TLS state is done between awaits, so one task may receive while another sends.

    Attributes:
        alpn: The protocol that the server chose, or None.
    """

    __slots__ = ("_incoming", "_inner", "_outgoing", "_tls", "alpn", "resumable")

    def __init__(self, inner: BareLink, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO) -> None:
        self._inner = inner
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self.alpn: str | None = None
        self.resumable: bool = True

    async def handshake(self) -> None:
        """Agree on keys and check the server's certificate and name.

        Raises:
            ssl.SSLError: The server does not speak TLS, or is not who it should be.
            OSError: The connection broke.
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush_records()
                self._take(await self._inner.receive())
            except ssl.SSLError:
                # Tell the server why: an alert may be waiting.
                with suppress(OSError):
                    self._inner.send_now(self._outgoing.read())
                raise
            else:
                break
        await self._flush_records()
        self.alpn = self._tls.selected_alpn_protocol()

    def _take(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush_records(self) -> None:
        if self._outgoing.pending and not self._inner.send_now(self._outgoing.read()):
            await self._inner.flush()

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return what arrives next, or b"" when the peer sends no more; cancelling loses nothing.

        A connection that ends without TLS's own goodbye counts as ended: many servers leave it out, and lengths,
        chunks and end markers say whether anything is missing.
        """
        while True:
            data = self._decrypted(max_bytes)
            if data is not None:
                return data
            self._take(await self._inner.receive())

    async def receive_within(self, seconds: float, max_bytes: int = 65536) -> bytes | None:
        """Do the same; None if not a byte has come, readable or not yet, after so many seconds."""
        while True:
            data = self._decrypted(max_bytes)
            if data is not None:
                return data
            more = await self._inner.receive_within(seconds)
            if more is None:
                return None
            self._take(more)

    def _decrypted(self, max_bytes: int) -> bytes | None:
        """Return what can be decrypted now, b"" at the end, None if more is needed."""
        pieces: list[bytes] = []
        size = 0
        # A record holds 16 KiB at most; several may have come with one read.
        while size < max_bytes:
            try:
                piece = self._tls.read(max_bytes - size)
            except ssl.SSLWantReadError:
                break
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                piece = b""
            except ssl.SSLError as error:
                if "UNEXPECTED_EOF" not in str(getattr(error, "reason", "")):
                    raise
                piece = b""
            if not piece:
                if not pieces:
                    return b""
                break
            pieces.append(piece)
            size += len(piece)
            if not self._incoming.pending and not self._tls.pending():
                break
        if self._outgoing.pending:
            # A key update wants its answer; whatever does not go now goes with the next write.
            self._inner.send_now(self._outgoing.read())
        if not pieces:
            return None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def send_now(self, data: bytes | memoryview) -> bool:
        """Encrypt all, and hand over as much as goes without waiting; False if a rest is kept for `flush`."""
        if data:
            self._tls.write(data)
        return self._inner.send_now(self._outgoing.read())

    async def flush(self) -> None:
        """Hand over the rest; when cancelled, what is left of it is kept for the next time."""
        await self._inner.flush()

    def is_stale(self) -> bool:
        """Tell whether the peer has closed, or has sent application data that nobody asked for.

        Session tickets may come at any time and are taken in here.
        """
        try:
            return self.receive_now() is not None
        except OSError:
            return True

    def receive_now(self) -> bytes | None:
        """Return what has arrived, b"" at the end, None if nothing has."""
        while True:
            data = self._decrypted(65536)
            if data is not None:
                return data
            more = self._inner.receive_now()
            if more is None:
                return None
            self._take(more)

    def close(self) -> bool:
        """Close at once, waking whoever waits."""
        return self._inner.close()

    def abort(self) -> None:
        """Close from any thread, with or without an event loop; never raises."""
        self._inner.abort()

    async def aclose(self) -> None:
        """Close; nothing is left to wait for."""
        self.close()


async def start_tls(link: BareLink, context: ssl.SSLContext, host: str) -> TLSLink:
    """Put TLS on a link, which is closed if that fails or is cancelled.

    Args:
        link: An open connection on which nothing has been sent.
        context: Decides whom to trust and what to offer.
        host: Name or address that the server's certificate must carry.

    Raises:
        ssl.SSLError: The server does not speak TLS, or is not who it should be.
        OSError: The connection broke.
    """
    try:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        if type(context) is ssl.SSLContext:
            tls = context.wrap_bio(incoming, outgoing, server_hostname=host)
        else:
            # truststore's contexts ask the operating system here.
            wrap = cast("Callable[..., ssl.SSLObject]", context.wrap_bio)
            tls = await to_thread.run_sync(wrap, incoming, outgoing, False, host)
        encrypted = TLSLink(link, tls, incoming, outgoing)
        await encrypted.handshake()
    except BaseException:
        link.close()
        raise
    return encrypted


async def start_tls_backend(link: BackendLink, context: ssl.SSLContext, host: str) -> tuple[BackendLink, str | None]:
    """Do the same on a connection of an httpcore backend; returns the link and the protocol that the server chose."""
    try:
        stream = await link.stream.start_tls(context, server_hostname=host)
    except BaseException:
        await link.aclose()
        raise
    tls = cast("ssl.SSLObject | None", stream.get_extra_info("ssl_object"))
    if tls is None:
        await stream.aclose()
        raise ClosedResourceError
    return BackendLink(stream), tls.selected_alpn_protocol()
