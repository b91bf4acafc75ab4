"""One readable line for every failure."""

from __future__ import annotations

import errno
import os

import pytest

from anyopenai import errors
from anyopenai._contract import RequestInfo, ResponseInfo
from anyopenai._headers import Headers
from anyopenai.cli.failures import MAX_CHARACTERS, CommandError, is_expected, line_from_error

REQUEST = RequestInfo("POST", "https://api.example/v1/embeddings", Headers([]))
REFUSED = ResponseInfo(401, Headers([(b"x-request-id", b"req_7")]), b"", REQUEST)
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "out/vectors.npy")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (CommandError("line 3: bad"), "line 3: bad"),
        (
            errors.AuthenticationError("Incorrect key.", response=REFUSED, body=None),
            "the API answered 401: Incorrect key. (request req_7)",
        ),
        (
            errors.APIConnectionError(message="refused", request=REQUEST),
            "refused (https://api.example/v1/embeddings)",
        ),
        (errors.MissingExtraError("pip install it"), "pip install it"),
        (FULL, "out/vectors.npy: No space left on device"),
        (OSError("odd"), "odd"),
        (CommandError("two\n  lines"), "two lines"),
        (ExceptionGroup("", [CommandError("a"), ExceptionGroup("", [FULL])]), "a (and 1 more)"),
    ],
)
def test_expected_failures_are_one_line(error: Exception, line: str) -> None:
    assert line_from_error(error) == line
    assert is_expected(error)


def test_a_page_of_html_does_not_fill_the_screen() -> None:
    line = line_from_error(errors.InternalServerError("<p>" * 1000, response=REFUSED, body=None))
    assert len(line) == MAX_CHARACTERS + 3


@pytest.mark.parametrize("error", [ZeroDivisionError(), ExceptionGroup("", [CommandError("a"), KeyError("b")])])
def test_a_fault_of_ours_is_not_an_expected_failure(error: Exception) -> None:
    assert not is_expected(error)
    assert line_from_error(error)
