import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import ADVICE, Failure, FailureClass
from tests.unit.makers import failure


def saying(message: str) -> str:
    return failure(FailureClass.CRASH, message=message).fingerprint


def test_every_class_tells_a_person_what_to_do() -> None:
    assert set(ADVICE) == set(FailureClass)
    assert all(failure(kind).advice.endswith(".") for kind in FailureClass)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("the execution 'a-1' ended", "the execution 'b-22' ended"),
        ('no object "x.mp4" there', 'no object "y.mov" there'),
        ("cannot read /tmp/a1/in.mp4 at all", "cannot read gs://bucket/in.mp4 at all"),
        ("stopped after 12.5 seconds", "stopped after 3 seconds"),
        ("r-7f3a0b1c came back", "r-00d1ee2f came back"),
        ("at 12:04:59 it fell silent", "at 23:59:00 it fell silent"),
        ("the event's type is 'a.one', not known", "the event's type is 'b.two', not known"),
        ("the users' file 'x.mp4' is gone", "the users' file 'y.mov' is gone"),
        ("no 'Anna's film.mp4' there", "no 'rock'n'roll.mp4' there"),
        ("its type is 'clipline.cut off he", "its type is 'another that was"),
    ],
)
def test_one_cause_has_one_fingerprint_whatever_ids_paths_and_numbers(one: str, other: str) -> None:
    assert saying(one) == saying(other)


@given(st.integers(0, 10**12), st.uuids(), st.sampled_from(["/tmp/x.mp4", "gs://b/c", "./d"]))
def test_particulars_never_make_another_fingerprint(number: int, id: object, path: str) -> None:
    assert saying(f"frame {number} of '{id}' in {path}") == saying("frame 7 of 'x' in a/b")


def test_what_stands_between_apostrophes_still_tells_causes_apart() -> None:
    assert saying("the task's disk isn't empty") != saying("the task's memory isn't empty")
    assert saying("'a' has no sound, nor has 'b'") != saying("'a' has no picture, nor has 'b'")


def test_another_class_reason_or_sentence_is_another_fingerprint() -> None:
    prints = {
        failure(kind, reason=reason, message=message).fingerprint
        for kind in (FailureClass.CRASH, FailureClass.INPUT)
        for reason in ("decoder", "encoder")
        for message in ("it broke", "it stopped")
    }
    assert len(prints) == 8
    assert all(len(one) == 12 for one in prints)


@given(st.text(max_size=5000))
def test_the_detail_keeps_its_last_2000_characters(detail: str) -> None:
    made = Failure(failure=FailureClass.CRASH, reason="x", message="x", detail=detail)
    assert made.detail == detail[-2000:]


def test_the_detail_does_not_change_the_fingerprint() -> None:
    assert failure(detail="line 1").fingerprint == failure(detail="line 2").fingerprint
