"""What sockets, TLS, parsers and backends raise, in plain words and of the right kind."""

from __future__ import annotations

import errno
import socket
import ssl

import httpcore
import pytest
from anyio import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from httptools import HttpParserError

from anyopenai.transport import Phase, TransportFailure
from anyopenai.transport.codings import CodingError
from anyopenai.transport.failures import failure_from, lost, timed_out
from anyopenai.transport.parser import ResponseError
from anyopenai.transport.tls import TrustError


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] text")
    error.reason = reason
    return error


REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
RESET = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")


@pytest.mark.parametrize(
    ("error", "phase", "kind", "text"),
    [
        (REFUSED, "connect", "refused", "could not connect to h:80: connection refused"),
        (OSError(errno.EMFILE, "x"), "connect", "refused", "too many open files"),
        (OSError(errno.ETIMEDOUT, "x"), "connect", "timeout", "no answer from the host"),
        (OSError(9999, "odd"), "connect", "refused", "could not connect to h:80: odd"),
        (socket.gaierror(-2, "Name or service not known"), "connect", "refused", "host name h could not be resolved"),
        (RESET, "head", "lost", "h:80 broke before the answer began: connection reset by the server"),
        (BrokenPipeError(errno.EPIPE, "x"), "write", "lost", "the server had closed the connection"),
        (RESET, "body", "lost", "while the answer was being read"),
        (ClosedResourceError(), "body", "closed", "closed on this side"),
        (BrokenResourceError(), "head", "lost", "h:80 closed the connection before the answer began"),
        (EndOfStream(), "head", "lost", "h:80 closed the connection"),
        (caused(BrokenResourceError(), RESET), "head", "lost", "reset by the server"),
        (BusyResourceError("reading from"), "body", "input", "two tasks"),
        (HttpParserError("Invalid"), "head", "protocol", "did not answer in HTTP/1.1: Invalid"),
        (ResponseError("too long"), "head", "protocol", "did not answer in HTTP/1.1: too long"),
        (CodingError("broken"), "body", "decode", "cannot be decompressed: broken"),
        (TrustError("no file"), "connect", "tls", "no file"),
        (tls_error("WRONG_VERSION_NUMBER"), "connect", "tls", "does not speak TLS"),
        (tls_error("TLSV1_ALERT_UNKNOWN_CA"), "connect", "tls", "for want of a client certificate that it accepts"),
        (tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED"), "head", "tls", "tlsv13 alert certificate required"),
        (tls_error("TLSV1_ALERT_PROTOCOL_VERSION"), "connect", "tls", "handshake with h:80 failed: tlsv1 alert prot"),
        (tls_error("TLSV1_ALERT_INTERNAL_ERROR"), "connect", "refused", "handshake with h:80 failed: tlsv1 alert int"),
        (ssl.SSLEOFError(8, "EOF"), "connect", "refused", "during the TLS handshake"),
        (tls_error("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), "body", "lost", "the TLS connection to h:80 broke"),
        (UnicodeError("label too long"), "connect", "input", "no address"),
        (OverflowError("port must be 0-65535"), "connect", "input", "no address"),
        (httpcore.ConnectTimeout(), "connect", "timeout", "did not react while connecting"),
        (caused(httpcore.ConnectError(), REFUSED), "connect", "refused", "connection refused"),
        (httpcore.ConnectError("odd"), "connect", "refused", "could not connect to h:80: odd"),
        (httpcore.ProxyError("407"), "connect", "refused", "407"),
        (httpcore.ReadError("odd"), "head", "lost", "broke before the answer began: odd"),
        (caused(httpcore.ReadError(), BrokenResourceError()), "head", "lost", "closed the connection"),
        (httpcore.RemoteProtocolError("odd"), "head", "protocol", "did not answer in HTTP/1.1: odd"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_an_error_becomes_a_failure_of_its_kind_in_plain_words(
    error: BaseException, phase: Phase, kind: str, text: str
) -> None:
    failure = failure_from(error, "h:80", phase=phase, sent="partial", fresh=False, received=7)
    assert failure is not None
    assert (failure.kind, failure.phase, failure.sent, failure.fresh) == (kind, phase, "partial", False)
    assert failure.received == 7
    assert text in failure.message
    assert str(failure) == failure.message


@pytest.mark.parametrize("error", [ValueError("bug"), KeyError("bug"), KeyboardInterrupt(), MemoryError()])
def test_what_is_not_the_network_s_is_left_alone(error: BaseException) -> None:
    assert failure_from(error, "h:80", phase="head", sent="all") is None


def test_a_failure_stays_as_it_is() -> None:
    failure = TransportFailure("x", kind="lost", phase="body", sent="all")
    assert failure_from(failure, "h:80", phase="head", sent="none") is failure


def test_a_limit_that_passed_says_what_was_waited_for_and_how_long() -> None:
    texts = {
        phase: timed_out("h:80", 1.5, phase=phase, sent="none", received=9).message
        for phase in ("connect", "write", "head", "body", "close")
    }
    assert texts == {
        "connect": "could not connect to h:80 within 1.5 s",
        "write": "h:80 took no more of the request within 1.5 s",
        "head": "no answer from h:80 within 1.5 s",
        "body": "h:80 went silent in the middle of its answer, after 9 bytes within 1.5 s",
        "close": "h:80 did not react within 1.5 s",
    }


def test_a_lost_connection_says_how_much_had_come() -> None:
    assert lost("h:80", phase="head", sent="all").message == "h:80 closed the connection before the answer began"
    assert lost("h:80", phase="body", sent="all", received=3, expected=9).message == (
        "h:80 closed the connection in the middle of its answer, after 3 of 9 bytes"
    )
    assert lost("h:80", phase="body", sent="all", received=3).message.endswith("after 3 bytes")
