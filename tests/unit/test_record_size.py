"""However much is asked for, a render's document stays below Firestore's limit."""

import pytest

from functions.core.record_size import MOST_BYTES, record_bytes
from schemas.ids import Upload
from schemas.spec import MOST_CLIPS, MOST_OUTPUTS
from schemas.spec_fields import SpecFault
from schemas.wire import to_json
from tests.fullest import LONG, fullest, largest, planned
from tests.unit.makers import UPLOAD

LIMIT = 1 << 20


@pytest.mark.parametrize("upload", [UPLOAD, LONG], ids=["short", "long"])
@pytest.mark.parametrize("drawn", [False, True], ids=["bare", "drawn"])
@pytest.mark.parametrize("length", [30, 600])
def test_the_largest_document_is_as_large_as_was_reckoned_and_no_larger(
    upload: Upload, drawn: bool, length: int
) -> None:
    plan = largest(upload, drawn=drawn, length=length)
    size = len(to_json(fullest(upload, plan)))
    reckoned = record_bytes(plan.outputs, plan.audio, upload_name=upload.name)
    assert 0.6 * reckoned < size <= reckoned <= MOST_BYTES < LIMIT
    clips = len(plan.outputs) // MOST_OUTPUTS + 1
    with pytest.raises(SpecFault) as caught:
        planned(upload, clips=clips, outputs=MOST_OUTPUTS, drawn=drawn, length=length)
    assert caught.value.value.startswith(f"asking for {clips * MOST_OUTPUTS} files in ")
    assert "bytes on record" in caught.value.value
    assert "fewer clips or outputs" in caught.value.limit


@pytest.mark.parametrize("length", [20, 36_000])
def test_a_small_plan_has_room_as_well(length: int) -> None:
    plan = planned(LONG, clips=1, outputs=3, drawn=True, length=length)
    reckoned = record_bytes(plan.outputs, plan.audio, upload_name=LONG.name)
    assert len(to_json(fullest(LONG, plan))) <= reckoned <= MOST_BYTES


@pytest.mark.parametrize(("clips", "outputs"), [(MOST_CLIPS, 1), (20, 5), (5, MOST_OUTPUTS)])
def test_what_an_ordinary_video_is_made_of_fits(clips: int, outputs: int) -> None:
    plan = planned(UPLOAD, clips=clips, outputs=outputs, drawn=True, length=60)
    assert len(plan.outputs) == 100
