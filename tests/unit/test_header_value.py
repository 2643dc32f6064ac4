"""An attribute's value as it may stand in a header; apart from clients, whose threads draw lots."""

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.pubsub_events import LONGEST_VALUE, header_value


@given(st.text())
def test_a_short_value_can_be_read_back(value: str) -> None:
    encoded = header_value(value)
    assert encoded.isascii()
    assert encoded.isprintable()
    assert len(encoded) > LONGEST_VALUE or unquote(encoded) == value


@given(st.text(alphabet="aü%\n", min_size=1000, max_size=1100), st.text(min_size=1, max_size=3))
def test_a_long_value_fits_and_stays_itself(value: str, more: str) -> None:
    encoded = header_value(value)
    assert len(encoded) <= LONGEST_VALUE
    assert encoded == header_value(value)
    assert encoded != header_value(value + more)
    assert "%" not in encoded[-3:] or encoded[-3] == "%"
