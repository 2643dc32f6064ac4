"""Sounds as a wrong recipe or a bad disk would leave them."""

from collections.abc import Callable
from dataclasses import replace

from render_job.level import Heard, Level
from tests.corruptions.bench import LEVEL, Change, Corruption, Deed
from tests.corruptions.damage import cut_at, edited, flip


def revoiced(*changes: Change) -> Deed:
    """The sound as another recipe would make it."""
    return lambda bench, out: bench.voice(out.with_suffix(".m4a"), *changes)


def sound_bytes(change: Callable[[bytearray], None]) -> Deed:
    """The sound with other bytes."""
    return lambda bench, out: edited(bench.sound, out, change)


def sound_copied(words: str) -> Deed:
    """The sound's packets, changed on the way by ffmpeg."""
    return lambda bench, out: bench.copied(out, words, of=bench.sound)


def at_gain(gain: float) -> Deed:
    """The sound at another gain than it was to have."""
    return lambda bench, out: bench.voice(
        out.with_suffix(".m4a"), level=Level(target=-20.0, before=LOUDEST, gain=gain)
    )


LOUDEST = Heard(lufs=-25.0, peak=-60.0)
"""So far below the ceiling that nothing is limited."""
SILENCE = "volume=0,apad"
SOUNDS = (
    Corruption(name="truncated", of="sound", deed=sound_bytes(cut_at(0.5)), told="cannot be read"),
    Corruption(name="a sample short", of="sound", deed=lambda bench, out:
               bench.voice(out, plan=replace(bench.audio, samples=bench.audio.samples - 1)),
               told="153753 samples long, not 153754"),
    Corruption(name="an AAC frame too long", of="sound",
               deed=lambda bench, out: bench.voice(out, plan=replace(bench.audio,
               samples=bench.audio.samples + 1024)), told="154778 samples long, not 153754"),
    Corruption(name="drifting by 0.1 %", of="sound",
               deed=sound_copied("-bsf:a setts=ts='TS*1.001'"), told="153908 samples long"),
    Corruption(name="a gap", of="sound",
               deed=sound_copied("-bsf:a noise=drop='eq(n\\,40)'"), told="153600 samples decode"),
    Corruption(name="the lead-in played", of="sound",
               deed=sound_copied("-use_editlist 0 -avoid_negative_ts make_zero"),
               told="155648 samples decode"),
    Corruption(name="44,100 samples a second", of="sound", deed=revoiced(("-ar", "44100")),
               told="44100 samples a second"),
    Corruption(name="one channel", of="sound", deed=revoiced(("-ac", "1")), told="1 channels"),
    Corruption(name="another codec", of="sound", deed=revoiced(("-c:a", "mp3")), told="mp3"),
    Corruption(name="bits flipped in packets", of="sound",
               deed=sound_bytes(flip(0.3, 0.4, 0.5, 0.6)), told="cannot be read"),
    Corruption(name="silent where the source is not", of="sound",
               deed=revoiced(("apad", SILENCE)), told="nothing is heard"),
    Corruption(name="3 dB too quiet", of="level", deed=at_gain(LEVEL.gain - 3),
               told="LUFS, not -20.5 to -19.5"),
    Corruption(name="left as it was", of="level", deed=at_gain(0),
               told="LUFS, not -20.5 to -19.5"),
    Corruption(name="silenced", of="level", deed=revoiced(("apad", SILENCE)),
               told="nothing of it can be measured"),
    Corruption(name="peaks cut off at full scale", of="level", deed=at_gain(22),
               told="above -1.0"),
)  # fmt: skip
