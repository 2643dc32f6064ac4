import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.simulator.faults import ODDS, Fault
from infra.simulator.odds import NoOdds, UnknownFault, parse_odds, short_name


@given(st.sampled_from(Fault), st.sampled_from([str.upper, str.lower, str.title]), st.data())
def test_a_fault_is_known_by_both_names_in_any_case(
    fault: Fault, case: object, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from([fault.name, fault.value, short_name(fault)]))
    joint = data.draw(st.sampled_from([" ", "_", "-"]))
    for old in " _-":
        name = name.replace(old, joint)
    odds = parse_odds(f" {case(name)} ")  # type: ignore[operator]  # a method of str
    assert {one for one in Fault if odds[one]} == {fault}
    assert odds[fault] == ODDS[fault]


def test_only_what_is_named_is_on() -> None:
    odds = parse_odds("preempted, silent=0.3,frozen = 1")
    assert {fault: share for fault, share in odds.items() if share} == {
        Fault.PREEMPTED: ODDS[Fault.PREEMPTED],
        Fault.SILENT: 0.3,
        Fault.FROZEN: 1,
    }


def test_all_and_none_are_words_of_their_own() -> None:
    assert parse_odds("all") == ODDS
    assert not any(parse_odds("None").values())
    assert parse_odds("all, stock-out=0") == {**ODDS, Fault.STOCK_OUT: 0}
    assert set(parse_odds("all=0.5").values()) == {0.5}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("preemptd", "preempted"), ("stitcher died", "stitcher-died-before")],
)
def test_an_unknown_fault_is_answered_with_the_nearest_ones(typed: str, meant: str) -> None:
    with pytest.raises(UnknownFault, match="is no fault; the nearest are") as error:
        parse_odds(f"silent,{typed}")
    assert typed in str(error.value)
    assert meant in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("odds", ["2", "-0.1", "nan", "often", ""])
def test_what_are_no_odds_is_refused(odds: str) -> None:
    with pytest.raises(NoOdds, match="a number from 0 to 1"):
        parse_odds(f"silent={odds}")
