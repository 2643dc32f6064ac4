"""Outputs that were joined wrongly, from wrong parts, or tampered with."""

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from render_job.studio import Part
from schemas.pieces import Span
from schemas.plan import AudioPlan
from tests.corruptions.bench import (
    FIRST,
    SPANS,
    Bench,
    Corruption,
    Deed,
    Stitched,
)
from tests.corruptions.damage import add, cut_at, edited, empty, flip, hide, put
from tests.corruptions.pieces import GREEN
from tests.corruptions.sounds import SILENCE


def output_bytes(change: Callable[[bytearray], None]) -> Deed:
    """The output with other bytes."""
    return lambda bench, out: edited(bench.output, out, change)


def copied(words: str) -> Deed:
    """The output's packets, changed on the way by ffmpeg."""
    return lambda bench, out: bench.copied(out, words)


def joined(*spans: Span, sound: bool = True) -> Deed:
    """Joined from the pieces in that order."""
    return lambda bench, out: bench.join(
        [bench.path(span) for span in spans], bench.sound if sound else None, out
    )


def with_sound(make: Callable[[Bench, Path], Path]) -> Deed:
    """The true pictures with another sound."""
    return lambda bench, out: bench.join(
        [bench.path(span) for span in SPANS], make(bench, out.with_suffix(".m4a")), out
    )


def with_piece(make: Callable[[Bench, Path], Part]) -> Deed:
    """Joined, as a task would, from what stands in the bucket in place of the first piece."""

    def deed(bench: Bench, out: Path) -> Stitched:
        pieces = {**bench.pieces, FIRST: make(bench, out.with_suffix(".piece.mp4"))}
        files = [piece.path for piece in pieces.values()]
        return Stitched(path=bench.join(files, bench.sound, out), pieces=pieces)

    return deed


def _rotten(bench: Bench, out: Path) -> Part:
    """Committed, and damaged afterwards."""
    edited(bench.path(FIRST), out, flip(0.5))
    return replace(bench.pieces[FIRST], path=out)


def _stale(bench: Bench, out: Path) -> Part:
    """Made for another spec: it is smaller in bytes and like ours in all else."""
    spec = replace(bench.plan, crf=40)
    part = bench.seen(bench.encode(out, plan=spec), FIRST, "pieces/of another spec")
    assert part.verdict
    assert part.verdict.passed
    return replace(part, name=f"pieces/{FIRST}")


def _of_another_class(bench: Bench, out: Path) -> Part:
    """Made by an encoder that was set up in another way, under our name."""
    return bench.seen(bench.encode(out, ("-preset", "ultrafast")), FIRST)


def _other_span(bench: Bench, out: Path) -> Part:
    """A neighbour under the wrong name, verdict and all."""
    return replace(bench.pieces[SPANS[1]], name=f"pieces/{FIRST}")


def _short(bench: Bench, out: Path) -> Part:
    """What was kept of a killed encoder, under the name of the whole."""
    part = bench.seen(bench.encode(out, span=Span(0, 24)), Span(0, 24))
    return replace(part, name=f"pieces/{FIRST}")


def _unverified(bench: Bench, out: Path) -> Part:
    return replace(bench.pieces[FIRST], verdict=None)


def _failed(bench: Bench, out: Path) -> Part:
    return bench.seen(bench.encode(out, ("setpts=PTS-0", GREEN)), FIRST)


def _other_voice(bench: Bench, out: Path) -> Stitched:
    """The sound of another clip, as long as ours, in our sound's place in the bucket."""
    made = bench.voice(out.with_suffix(".m4a"), plan=later(bench))
    sound = replace(bench.heard(made, "sound of another clip"), name="sound")
    files = [bench.path(span) for span in SPANS]
    return Stitched(path=bench.join(files, made, out), sound=sound)


def later(bench: Bench) -> AudioPlan:
    return replace(bench.audio, start_seconds=bench.audio.start_seconds + 2)


def _longer(bench: Bench) -> AudioPlan:
    return replace(bench.audio, samples=bench.audio.samples + 480)


def _retagged(data: bytearray) -> None:
    """The colour tags beside the parameter sets, which players believe first."""
    at = data.index(b"nclx") + 4
    data[at : at + 6] = struct.pack(">3H", 9, 16, 9)


def _encoded_again(bench: Bench, out: Path) -> Path:
    return bench.copied(out, "-c:v libx264 -crf 23 -preset veryfast -bf 2 -g 12 -sc_threshold 0")


def _tkhd(offset: int, value: bytes) -> Deed:
    """Counted from the end of the video track's header."""
    return output_bytes(put(b"tkhd", 84 + offset, value))


TURNED = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
XMP = b"uuid" + bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b"<x:xmpmeta/>"
PLACE = "-movflags +faststart+use_metadata_tags -metadata location=+48.8584+002.2945/"
NOT_THOSE = "the pictures are not those of the verified pieces"
OUTPUTS = (
    Corruption(name="empty file", of="output", deed=empty, told="cannot be read"),
    Corruption(name="truncated", of="output", deed=output_bytes(cut_at(0.7)), told="boxes"),
    Corruption(name="its index cut off", of="output", deed=output_bytes(cut_at(0.02)),
               told="cannot be read"),
    Corruption(name="its index damaged", of="output",
               deed=output_bytes(put(b"stbl", 0, b"\xff" * 40)), told="nothing known"),
    Corruption(name="its index shifted by a byte", of="output",
               deed=output_bytes(put(b"stco", 11, b"\x01")), told=NOT_THOSE),
    Corruption(name="its index at the end", of="output",
               deed=copied("-movflags -faststart"), told="not ftyp, moov, mdat"),
    Corruption(name="a bit flipped in a picture", of="output", deed=output_bytes(flip(0.01)),
               told=NOT_THOSE),
    Corruption(name="a bit flipped in its sound", of="output", deed=output_bytes(flip(0.2)),
               told="the sound is not the verified one"),
    Corruption(name="bits flipped all over", of="output",
               deed=output_bytes(flip(*(n / 40 for n in range(40)))), told=NOT_THOSE),
    Corruption(name="pieces swapped", of="output", deed=joined(SPANS[1], SPANS[0], SPANS[2]),
               told=NOT_THOSE),
    Corruption(name="a piece twice", of="output", deed=joined(SPANS[0], SPANS[0], SPANS[2]),
               told=NOT_THOSE),
    Corruption(name="a piece missing", of="output", deed=joined(*SPANS[:2]),
               told="72 frames, not 96"),
    Corruption(name="a frame dropped", of="output",
               deed=copied("-bsf:v noise=drop='eq(n\\,50)'"), told="95 frames, not 96"),
    Corruption(name="the last frame dropped", of="output",
               deed=copied("-bsf:v noise=drop='eq(n\\,95)'"), told="95 frames, not 96"),
    Corruption(name="a seam a frame late", of="output",
               deed=copied("-bsf:v setts=ts='TS+1001*gte(N\\,36)'"), told="the seam at frame 36"),
    Corruption(name="times off by a tick", of="output",
               deed=copied("-bsf:v setts=ts='TS+gte(N\\,36)'"), told="not at their time"),
    Corruption(name="25 frames a second", of="output",
               deed=copied("-bsf:v setts=ts='TS*1200/1001':duration=1200"), told="at their time"),
    Corruption(name="pictures encoded once more", of="output", deed=_encoded_again,
               told=NOT_THOSE),
    Corruption(name="no sound", of="output", deed=joined(*SPANS, sound=False),
               told="not one video and the planned sound"),
    Corruption(name="silence as sound", of="output", deed=with_sound(
               lambda bench, out: bench.voice(out, ("apad", SILENCE))),
               told="the sound is not the verified one"),
    Corruption(name="the sound of another clip", of="output", deed=with_sound(
               lambda bench, out: bench.voice(out, plan=later(bench))),
               told="the sound is not the verified one"),
    Corruption(name="sound 10 ms too long", of="output", deed=with_sound(
               lambda bench, out: bench.voice(out, plan=_longer(bench))),
               told="differ by 480 samples"),
    Corruption(name="sound drifting by 0.1 %", of="output",
               deed=copied("-bsf:a setts=ts='TS*1.001'"), told="differ by"),
    Corruption(name="sound 20 ms late", of="output",
               deed=copied("-bsf:a setts=ts='TS+960'"), told="differ by 960 samples"),
    Corruption(name="an extra sound track", of="output",
               deed=copied("-map 0:v -map 0:a -map 0:a"), told="not one video and the planned"),
    Corruption(name="a track of data", of="output", deed=copied("-map 0 -timecode 00:00:00:00"),
               told="not one video and the planned sound"),
    Corruption(name="where it was filmed", of="output", deed=copied(PLACE),
               told="carries metadata"),
    Corruption(name="a title", of="output", deed=copied("-metadata title=Home"),
               told="carries metadata"),
    Corruption(name="XMP in a box of its own", of="output",
               deed=output_bytes(add(XMP)), told="boxes are"),
    Corruption(name="bytes behind its last box", of="output",
               deed=output_bytes(lambda data: data.extend(b"abc")), told="3 bytes follow"),
    Corruption(name="bytes that belong to no packet", of="output",
               deed=output_bytes(hide(b"a secret")), told="8 bytes of its mdat"),
    Corruption(name="a key frame missing in its index", of="output",
               deed=output_bytes(put(b"stss", 12, struct.pack(">I", 14))),
               told="the key frames in its index"),
    Corruption(name="a table of its index cut short", of="output",
               deed=output_bytes(put(b"ctts", 4, struct.pack(">I", 40))),
               told="its index is damaged: ctts"),
    Corruption(name="a box of its index longer than there is room", of="output",
               deed=output_bytes(put(b"dinf", -8, b"\x10")), told="its index is damaged: minf"),
    Corruption(name="a frame in its index twice as long", of="output",
               deed=output_bytes(put(b"stts", 12, struct.pack(">I", 2002))),
               told="frames are not at their time"),
    Corruption(name="an edit list that skips frames", of="output",
               deed=output_bytes(put(b"elst", 12, struct.pack(">I", 5005))), told="time"),
    Corruption(name="an edit list that ends early", of="output",
               deed=output_bytes(put(b"elst", 8, struct.pack(">I", 240000))), told="frames"),
    Corruption(name="an edit list of the sound that plays the lead-in", of="output",
               deed=output_bytes(put(b"elst", 12, bytes(4), last=True)), told="samples"),
    Corruption(name="turned by its header", of="output", deed=_tkhd(-44, TURNED),
               told="turns or moves the picture"),
    Corruption(name="shown at another size", of="output",
               deed=_tkhd(-8, struct.pack(">I", 320 << 16)), told="header shows it at 320x90"),
    Corruption(name="a length that is not its own", of="output",
               deed=output_bytes(put(b"mvhd", 16, struct.pack(">I", 99))), told="that it lasts"),
    Corruption(name="pixels not square", of="output",
               deed=output_bytes(put(b"pasp", 0, struct.pack(">I", 2))), told="not square"),
    Corruption(name="colours tagged otherwise", of="output", deed=output_bytes(_retagged),
               told="colour tags are not those"),
    Corruption(name="parameter sets of another profile", of="output",
               deed=output_bytes(put(b"avcC", 3, b"\x0a")), told="parameter sets are not those"),
    Corruption(name="a codec that nobody knows", of="output",
               deed=output_bytes(put(b"stsd", 12, b"xvc9")), told="coded as"),
    Corruption(name="a piece that rotted in the bucket", of="output", deed=with_piece(_rotten),
               told="its bytes are not those that were verified"),
    Corruption(name="a stale piece of another spec", of="output", deed=with_piece(_stale),
               told="it was made as another one"),
    Corruption(name="a piece of another encoder class", of="output",
               deed=with_piece(_of_another_class), told="parameter sets are not those of every"),
    Corruption(name="a neighbour's piece", of="output", deed=with_piece(_other_span),
               told="it was made as another one"),
    Corruption(name="a part of a piece for the whole", of="output", deed=with_piece(_short),
               told="verified with a length of 24, not 36"),
    Corruption(name="a piece without a verdict", of="output", deed=with_piece(_unverified),
               told="it was never verified"),
    Corruption(name="a piece whose verdict is bad", of="output", deed=with_piece(_failed),
               told="it was never verified"),
    Corruption(name="another clip's sound in the bucket", of="output", deed=_other_voice,
               told="sound: it was made as another one"),
)  # fmt: skip
