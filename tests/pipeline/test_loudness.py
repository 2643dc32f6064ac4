"""A sound is as loud as asked for, by a second measure too, and nothing of it is heard later."""

from array import array
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from math import pi, sin
from pathlib import Path

import av
import pytest

from render_job import recipe_sound
from render_job.choose import MakeSound
from render_job.ffmpeg import run
from render_job.level import Heard, first_level
from render_job.sound import make_sound
from render_job.survey import sound_name
from schemas.loudness import PEAK_LIMIT
from tests.corruptions.bench import LIMIT, Bench, make_bench
from tests.pipeline.test_delivery import Shop, shop
from tests.readers.loudness import RATE, integrated
from tests.sources import Sources, tool

CLICKS = "aevalsrc=exprs='0.9*lt(mod(t,0.5),0.001)|0.9*lt(mod(t,0.5),0.001)':s=48000:d=3"
MUSIC = "aevalsrc=exprs='0.08*sin(880*t)*(1+4*lt(mod(t,1),0.02))|0.08*sin(660*t)':s=44100:d=3.3"
PEAKS = "aevalsrc=exprs='0.02*sin(880*t)*(1+30*lt(mod(t,1),0.02))|0.02*sin(660*t)':s=44100:d=3.3"


@pytest.fixture(scope="module")
def bench(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return make_bench(sources.path("ntsc"), tmp_path_factory.mktemp("bench"))


def with_sound(bench: Bench, folder: Path, of: str) -> Bench:
    """The same pictures with that sound instead of their own."""
    source = folder / "source.mp4"
    words = f"-map 0:v -map 1:a -c:v copy -c:a aac -b:a 192k {source}"
    tool(
        "-nostdin", "-v", "error", "-i", str(bench.source), "-f", "lavfi", "-i", of, *words.split()
    )
    return replace(bench, source=source)


def levelled(bench: Bench, folder: Path, target: int) -> Shop:
    """A task that has made the sound of its render at that loudness."""
    audio = replace(bench.audio, loudness=Fraction(target))
    folder.mkdir(exist_ok=True)
    return shop(replace(bench, audio=audio), folder)


def channels_of(path: Path) -> Sequence[Sequence[float]]:
    """The samples of a file's sound, decoded."""
    channels = [array("f"), array("f")]
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            for samples, plane in zip(channels, frame.planes, strict=True):
                samples.frombytes(bytes(plane)[: 4 * frame.samples])
    return channels


def measured(path: Path) -> tuple[float, float]:
    """LUFS and dBTP by loudnorm, which measures by code of its own."""
    said = tool("-nostdin", "-hide_banner", "-nostats", "-i", str(path), "-map", "0:a:0",
                "-af", "loudnorm=print_format=summary", "-f", "null", "-")  # fmt: skip
    found = {
        line.partition(":")[0]: line.split()[-2] for line in said.splitlines() if "Input" in line
    }
    return float(found["Input Integrated"]), float(found["Input True Peak"])


@pytest.mark.parametrize("target", [-14, -30])
def test_it_is_as_loud_as_asked_for_and_its_certificate_says_so(
    target: int, bench: Bench, tmp_path: Path
) -> None:
    it = levelled(with_sound(bench, tmp_path, MUSIC), tmp_path / "scratch", target)
    told = it.deliver().certificate.loudness
    assert told is not None
    assert told.reached == pytest.approx(target, abs=0.5)
    assert told.true_peak is not None
    assert told.true_peak <= PEAK_LIMIT
    out = tmp_path / "out.mp4"
    it.task.tools.outputs.download("team/video/full/test.mp4", out)
    lufs, peak = measured(out)
    assert lufs == pytest.approx(target, abs=1)
    assert peak <= PEAK_LIMIT + 0.3
    assert integrated(channels_of(out)) == pytest.approx(told.reached, abs=0.1)


def test_the_measure_of_our_own_is_that_of_the_recommendation() -> None:
    """BS.1770-4: a full-scale sine of 997 Hz in one channel is -3.01 LUFS."""
    sine = [sin(2 * pi * 997 * n / RATE) for n in range(RATE)]
    assert integrated([sine]) == pytest.approx(-3.01, abs=0.01)
    assert integrated([sine, sine]) == pytest.approx(0, abs=0.01)
    assert integrated([[s / 10 for s in sine]]) == pytest.approx(-23.01, abs=0.01)


def test_the_limiter_makes_nothing_be_heard_later(bench: Bench, tmp_path: Path) -> None:
    loud = with_sound(bench, tmp_path, CLICKS)
    onsets = []
    for gain in (0.0, 9.0):
        level = replace(first_level(Fraction(-14), Heard(lufs=-23.0, peak=-3.0)), gain=gain)
        out = tmp_path / f"{gain}.m4a"
        words = recipe_sound.sound(loud.audio, True, input_url=f"file:{loud.source}", out=out,
                                   ffmpeg=bench.studio.encoder.path, level=level)  # fmt: skip
        assert ("alimiter" in " ".join(words)) == (gain > 0)
        run(words, limit=LIMIT)
        onsets.append(clicks(samples_of(out)))
    assert len(onsets[0]) == 6
    assert all(abs(a - b) <= 2 for a, b in zip(*onsets, strict=True)), onsets


def test_a_sound_that_is_all_peaks_stays_quieter_than_asked_for(
    bench: Bench, tmp_path: Path
) -> None:
    it = levelled(with_sound(bench, tmp_path, PEAKS), tmp_path / "scratch", -14)
    told = it.deliver().certificate.loudness
    assert told is not None
    assert told.held_back
    assert told.limited
    assert told.reached is not None
    assert told.reached < -15
    assert told.true_peak is not None
    assert told.true_peak <= PEAK_LIMIT


def test_silence_is_delivered_silent_and_unmeasured(bench: Bench, tmp_path: Path) -> None:
    it = levelled(with_sound(bench, tmp_path, "anullsrc=r=48000:d=3"), tmp_path / "scratch", -14)
    told = it.deliver().certificate.loudness
    assert told is not None
    assert (told.before, told.gain_db, told.reached) == (None, 0, None)


def test_a_sound_of_another_loudness_is_not_delivered(bench: Bench, tmp_path: Path) -> None:
    it = levelled(bench, tmp_path, -20)
    plan = it.task.plan
    wanted = replace(plan.audio[0], loudness=Fraction(-16))
    other = replace(it.task, plan=replace(plan, audio=(wanted,)))
    with it.claimed("other") as held:
        make_sound(other, MakeSound(audio=wanted, claim="other"), held)
    made = it.work.stat(sound_name(other.plan, wanted))
    assert made
    assert made.name != sound_name(plan, plan.audio[0])
    name = sound_name(plan, plan.audio[0])
    it.work.write(name, it.work.read(made.name), metadata=made.metadata)
    assert "it was made as another one" in it.set_aside(name)


def samples_of(path: Path) -> Sequence[float]:
    """The left channel as it is played."""
    with av.open(str(path)) as container:
        planes = (
            bytes(frame.planes[0])[: 4 * frame.samples] for frame in container.decode(audio=0)
        )
        return array("f", b"".join(planes))


def clicks(samples: Sequence[float]) -> list[int]:
    """Where each click is loudest, in samples."""
    found, half = [], 24_000
    for begin in range(0, 6 * half, half):
        window = samples[max(0, begin - 1000) : begin + 1000]
        loudest = max(map(abs, window))
        first = next(n for n, one in enumerate(window) if abs(one) > loudest / 2)
        found.append(max(0, begin - 1000) + first)
    return found
