"""What docstrings say of parameters, in each of the usual styles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyopenai.structured.docstring import read_docstring

GOOGLE = """Tell the weather.

    Of one day, in one
    place.

    Args:
        city: The city,
            without its country.
        day (int, optional): Days from today: 0 for today.
        *rest: Ignored.

    Returns:
        city: not a parameter.
    """

NUMPY = """Tell the weather.

    Of one day, in one
    place.

    Parameters
    ----------
    city : str
        The city,
        without its country.
    day : int, optional
        Days from today: 0 for today.

    Returns
    -------
    city
        Not a parameter.
    """

SPHINX = """Tell the weather.

    Of one day, in one
    place.

    :param city: The city,
        without its country.
    :param int day: Days from today: 0 for today.
    :returns: Something.
        city: not a parameter.
    """


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX])
def test_parameters_are_found_in_every_style(text: str) -> None:
    said = read_docstring(text)
    assert said.summary == "Tell the weather.\n\nOf one day, in one place."
    assert said.parameters["city"] == "The city, without its country."
    assert said.parameters["day"] == "Days from today: 0 for today."


@pytest.mark.parametrize(("text", "summary"), [(None, ""), ("", ""), ("Only this.", "Only this."), ("A: b", "A: b")])
def test_other_docstrings_are_all_summary(text: str | None, summary: str) -> None:
    assert read_docstring(text) == (summary, {})


@given(st.text(alphabet=" \nArgs:-parmx()Returns*", max_size=60))
def test_any_text_is_read(text: str) -> None:
    said = read_docstring(text)
    assert all(said.parameters.values())
