"""What is told of a render at its end."""

from dataclasses import replace

from ops.story import story
from schemas.certificate import Effort
from tests.unit.makers import NOW
from tests.unit.tellers import done


def test_what_an_output_has_cost_is_told_where_it_is_known() -> None:
    render = done()
    (output,) = render.outputs
    assert not any("CPU seconds" in line for line in story(render))
    effort = Effort(encoding_cpu_seconds=38.24, verifying_cpu_seconds=3.11)
    sheet = replace(output.certificate, effort=effort)
    told = replace(render, outputs=(replace(output, certificate=sheet),))
    assert "         38.2 CPU seconds to encode, 3.1 to verify" in list(story(told))


def test_the_lane_that_a_replay_asked_for_is_told() -> None:
    plain = replace(done(), replayed_at=NOW)
    assert any(line.endswith("  a replay was asked for") for line in story(plain))
    asked = list(story(replace(plain, only_lane="batch/a/l4")))
    assert any(
        line.endswith("  a replay was asked for, on batch/a/l4 and no other lane") for line in asked
    )
