"""Failures of real programs: each is brought about by what causes it."""

import signal
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from threading import Thread
from typing import Any

from functions.adapters.directory_objects import DirectoryObjects
from functions.adapters.probe_verdict import judge, judge_size
from functions.adapters.pyav_probe import PyavProber
from functions.core.plan import make_plan
from functions.ports import NotRenderable
from render_job import recipe
from render_job.encoder import find_ffmpeg
from render_job.errors import RenderFault
from render_job.ffmpeg import run
from render_job.reach import Limits
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload
from schemas.media import AudioStream, Media
from schemas.spec import parse_spec
from schemas.spec_fields import SpecFault
from schemas.uploads import LIMITS
from tests.failures.labelled import Labelled, Room
from tests.hostile.attacks import HLS
from tests.hostile.bombs import (
    _index_of_billions,
    _large_jpeg,
    _packed_frames,
    _table_of_billions,
    put,
)
from tests.hostile.trial import PLAUSIBLE, scene, trial
from tests.sources import SAMPLE, media_of

SOON = timedelta(seconds=20)
PYTHON = (Path(sys.base_prefix), Path(sys.prefix))
INPUT, SPEC, DEPENDENCY = FailureClass.INPUT, FailureClass.SPEC, FailureClass.DEPENDENCY
MEMORY, TIMEOUT, CRASH = FailureClass.OUT_OF_MEMORY, FailureClass.TIMEOUT, FailureClass.CRASH
UPLOAD = Upload(bucket="uploads", name="team/film.mp4", generation=1)


def caught(act: Callable[[], object]) -> Failure:
    """What the deed fails with."""
    try:
        act()
    except (RenderFault, NotRenderable) as fault:
        return fault.failure
    except SpecFault as fault:
        return fault.failure
    raise AssertionError("it did not fail")


def ran(
    words: str, limits: Limits | None = None, limit: timedelta = SOON
) -> Callable[..., Failure]:
    """An ffmpeg with these words; `{room}` is its folder."""

    def happen(room: Room) -> Failure:
        argv = [find_ffmpeg().path, "-nostdin", "-v", "error", "-y"]
        argv += [word.format(room=room.folder) for word in words.split()]
        out = room.folder / "out"
        return caught(lambda: run(argv, limit=limit, into=out, limits=limits or Limits()))

    return happen


def program(code: str, limits: Limits | None = None) -> Callable[[Room], Failure]:
    """A program in ffmpeg's place that ends so."""

    def happen(room: Room) -> Failure:
        path = room.folder / "program"
        path.write_text(f"#!{sys.executable}\nimport os, sys, time\n{code}\n")
        path.chmod(0o755)
        return caught(
            lambda: run(
                [str(path)],
                limit=timedelta(seconds=0.7) if "sleep" in code and not limits else SOON,
                into=room.folder / "out",
                limits=limits or Limits(),
                reads=PYTHON,
            )
        )

    return happen


def rendered(make: Callable[[Room], bytes]) -> Callable[[Room], Failure]:
    """The recipe over a file that no prober saw."""

    def happen(room: Room) -> Failure:
        path = room.file("film", make(room))
        media = PLAUSIBLE
        plan = make_plan(UPLOAD, media, parse_spec(None), folder="team/film").outputs[0]
        argv = recipe.video(
            plan,
            media.video,
            media.seekable,
            plan.chunks[0],
            input_url=f"file:{path}",
            ffmpeg=find_ffmpeg().path,
            threads=1,
        )
        return caught(lambda: run(argv, limit=SOON, into=room.folder / "out"))

    return happen


def probed(make: Callable[[Room], bytes], name: str = "film.mp4") -> Callable[[Room], Failure]:
    """The prober over a file."""

    def happen(room: Room) -> Failure:
        store = DirectoryObjects(room.folder / "uploads", "uploads")
        info = store.upload(name, room.file("film", make(room)))
        return caught(lambda: PyavProber().probe(store, name, generation=info.generation))

    return happen


def judged(**changes: Any) -> Callable[[Room], Failure]:
    """The sample, if it were otherwise."""

    def happen(room: Room) -> Failure:
        media = media_of(SAMPLE)
        if "audio" in changes:
            return caught(lambda: judge("film.mp4", replace(media, **changes)))
        video = replace(media.video, **changes)
        return caught(lambda: judge("film.mp4", replace(media, video=video)))

    return happen


def asked(text: str, media: Media = PLAUSIBLE) -> Callable[[Room], Failure]:
    """A spec for that video."""
    return lambda room: caught(
        lambda: make_plan(UPLOAD, media, parse_spec(text), folder="team/film")
    )


def sent(make: Callable[[Room], bytes], name: str = "team/film.mp4") -> Callable[[Room], Failure]:
    """The whole way, door and task."""

    def happen(room: Room) -> Failure:
        with scene(room.folder / "scene", room.kitchen) as it:
            failure = trial(it, room.file("film", make(room)), name).failure
        assert failure is not None
        return failure

    return happen


def movie(name: str, change: Callable[[bytes], bytes] = lambda data: data) -> Callable[..., bytes]:
    """A plain video, changed."""
    return lambda room: change(room.kitchen.data(name))


def cooked(words: str, of: str = "", before: str = "", suffix: str = "mp4") -> Callable[..., bytes]:
    """A video by ffmpeg's words."""
    return lambda room: room.kitchen.cook(
        room.folder / f"odd.{suffix}",
        room.kitchen.path(of) if of else None,
        words,
        before=before,
    ).read_bytes()


def bomb(make: Callable[..., Any]) -> Callable[[Room], bytes]:
    """One of the hostile corpus, which needs no scene."""
    return lambda room: make(room.kitchen, None)  # none of these looks at it


def _hung_up(room: Room) -> Failure:
    """Whoever serves the source answers with an error."""

    def serve(door: socket.socket) -> None:
        for _ in range(3):
            try:
                visitor, _ = door.accept()
                with visitor:
                    visitor.recv(4096)
                    visitor.sendall(b"HTTP/1.0 503 Service Unavailable\r\n\r\n")
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as door:
        Thread(target=serve, args=(door,), daemon=True).start()
        url = f"http://127.0.0.1:{door.getsockname()[1]}/x"
        return ran(f"-i {url} -f null -")(room)


def _no_more(room: Room) -> Failure:
    """Nobody serves the source any more."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}/x"
    return ran(f"-i {url} -f null -")(room)


def _processor_used_up(room: Room) -> Failure:
    """A limit of one second on the way, since a whole one takes long to reach."""
    code = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 2))\nwhile True: pass"
    return program(code)(room)


def _absent(path: str) -> Callable[[Room], Failure]:
    return lambda room: caught(lambda: run([path], limit=SOON, into=room.folder / "out"))


def _not_for_this_machine(room: Room) -> Failure:
    path = room.file("ffmpeg", b"\x7fELF\2\1\1" + bytes(200))
    path.chmod(0o755)
    return caught(lambda: run([str(path)], limit=SOON, into=room.folder / "out"))


def _not_executable(room: Room) -> Failure:
    path = room.file("ffmpeg", b"#!/bin/sh\n")
    path.chmod(0o644)
    return caught(lambda: run([str(path)], limit=SOON, into=room.folder / "out"))


def _one(what: str, label: FailureClass, happen: Callable[[Room], Failure]) -> Labelled:
    return Labelled(what=what, label=label, happen=happen)


_LAVFI = "-f lavfi -i testsrc2=s=160x90:r=25:d=2"
_COLOUR = "-f lavfi -i color=s=64x64:d=1"
_HUGE = "-f lavfi -i color=s=8000x8000 -frames:v 3 -c:v libx264 -f null -"

MADE: Sequence[Labelled] = (
    # ffmpeg and an upload that is no good
    _one("text for ffmpeg", INPUT, rendered(lambda room: b"Dear diary.\n" * 500)),
    _one("zeros for ffmpeg", INPUT, rendered(lambda room: bytes(5000))),
    _one("a playlist for ffmpeg", INPUT,
         rendered(lambda room: HLS.format("", f"file://{SAMPLE}").encode())),
    _one("an MP4 without its index", INPUT, rendered(movie("plain", lambda d: d[:9000]))),
    _one("a Matroska cut in its head", INPUT, rendered(movie("mkv", lambda d: d[:538]))),
    _one("a codec that nobody knows", INPUT,
         rendered(movie("silent", lambda d: d.replace(b"avc1", b"xvc9")))),
    _one("Motion JPEG of 16000x16000", INPUT, rendered(bomb(_large_jpeg))),
    _one("an index of a quarter of a billion", INPUT, rendered(bomb(_index_of_billions))),
    _one("a table of a quarter of a billion", INPUT, rendered(bomb(_table_of_billions))),
    _one("frames packed a thousand times", INPUT, rendered(bomb(_packed_frames))),
    _one("sound alone for ffmpeg", INPUT, rendered(cooked("-vn -c copy", "plain"))),
    _one("a codec that is not on the list", INPUT,
         rendered(cooked("-c:v ffv1 -an -t 0.2", "plain", suffix="mkv"))),
    _one("an AVI of which the head is damaged", INPUT,
         rendered(movie("avi", lambda d: put(d, b"strl", 8, bytes(60))))),
    # the prober
    _one("an empty file", INPUT, probed(lambda room: b"")),
    _one("a diary", INPUT, probed(lambda room: b"Dear diary.\n" * 500)),
    _one("half an MP4", INPUT, probed(
        lambda room: SAMPLE.read_bytes()[: SAMPLE.stat().st_size // 2])),
    _one("sound alone", INPUT, probed(cooked("-vn -c copy", "plain"))),
    _one("encrypted", INPUT, probed(cooked(
        "-c copy -encryption_scheme cenc-aes-ctr -encryption_key 00112233445566778899aabbccddeeff "
        "-encryption_kid 0123456789abcdef0123456789abcdef", "silent"))),
    _one("too many frames a second", INPUT, judged(frame_rate=Fraction(1000))),
    _one("too many pixels", INPUT, judged(width=16384, height=8704)),
    _one("too long", INPUT, judged(end_pts=12288 * 50_000)),
    _one("a hole", INPUT, judged(largest_gap=12288 * 90)),
    _one("sound that is not rendered", INPUT,
         judged(audio=AudioStream(codec="ape", sample_rate=48000, channels=2))),
    _one("too many bytes", INPUT,
         lambda room: caught(lambda: judge_size("film.mp4", LIMITS.size_bytes + 1))),
    # found when it was rendered
    _one("pictures that are blank", INPUT, sent(cooked(
        "-vf geq=lum=0:cb=0:cr=0 -c:v libx264 -preset ultrafast -qp 0 -t 0.4 -pix_fmt yuv420p",
        before=_LAVFI))),
    _one("the size changes on the way", INPUT, sent(
        lambda room: room.kitchen.data("ts") + cooked(
            "-vf scale=96:54 -c:v libx264 -preset ultrafast -c:a copy -output_ts_offset 2",
            "plain", suffix="ts")(room), "team/film.ts")),
    # specs
    _one("no JSON", SPEC, asked("{")),
    _one("an unknown field", SPEC, asked('{"clip": []}')),
    _one("a height of words", SPEC, asked('{"outputs": [{"height": "tall"}]}')),
    _one("a clip beyond the end", SPEC, asked('{"clips": [{"start": 99}]}')),
    _one("an end before its start", SPEC, asked('{"clips": [{"start": 1, "end": 0.5}]}')),
    _one("two clips of one name", SPEC, asked('{"clips": [{"name": "a"}, {"name": "a"}]}')),
    _one("a version of tomorrow", SPEC, asked('{"version": 9}')),
    _one("a spec that is too long", SPEC, asked("x" * 70_000)),
    # what the task needs
    _one("no ffmpeg", DEPENDENCY, _absent("/nowhere/ffmpeg")),
    _one("an ffmpeg that may not be run", DEPENDENCY, _not_executable),
    _one("an ffmpeg of another machine", DEPENDENCY, _not_for_this_machine),
    _one("no driver for NVENC", DEPENDENCY, ran(f"{_COLOUR} -c:v h264_nvenc -f null -")),
    _one("no driver for CUDA", DEPENDENCY,
         ran(f"-hwaccel cuda -i file:{SAMPLE!s} -frames:v 1 -f null -")),
    _one("an ffmpeg without the encoder", DEPENDENCY, ran(f"{_COLOUR} -c:v libx999 -f null -")),
    _one("an ffmpeg without the filter", DEPENDENCY, ran(f"{_COLOUR} -vf scale999 -f null -")),
    _one("a full disk", DEPENDENCY, ran(f"{_COLOUR} -f rawvideo file:/dev/full")),
    _one("a file beyond its limit", DEPENDENCY,
         ran(f"{_COLOUR} -f rawvideo file:{{room}}/raw", Limits(file_bytes=1 << 16))),
    _one("a folder that is not ours", DEPENDENCY, ran(f"{_COLOUR} -f rawvideo file:/proc/1/raw")),
    _one("whoever serves the source answers 503", DEPENDENCY, _hung_up),
    _one("nobody serves the source any more", DEPENDENCY, _no_more),
    # memory, time, deaths
    _one("no memory for the encoder", MEMORY, ran(_HUGE, Limits(memory_bytes=400 << 20))),
    _one("no memory for a thread", MEMORY, ran(_HUGE, Limits(memory_bytes=200 << 20))),
    _one("no memory for a larger encoder", MEMORY, ran(_HUGE, Limits(memory_bytes=900 << 20))),
    _one("past the attempt's time", TIMEOUT, ran(f"-re {_LAVFI} -f null -",
                                                 limit=timedelta(seconds=0.5))),
    _one("nothing done at all", TIMEOUT,
         program("time.sleep(60)", Limits(idle=timedelta(seconds=0.3)))),
    _one("nothing made for too long", TIMEOUT,
         program("while True: pass", Limits(fruitless=timedelta(seconds=0.3)))),
    _one("the processor's time used up", TIMEOUT, _processor_used_up),
    _one("killed from outside", CRASH, program("os.kill(os.getpid(), 9)")),
    _one("a violation of memory", CRASH, program(f"os.kill(os.getpid(), {signal.SIGSEGV:d})")),
    _one("an assertion", CRASH, program("os.abort()")),
    _one("an end without a word", CRASH, program("sys.exit(3)")),
    _one("an option that it does not know", CRASH, ran(f"{_COLOUR} -nosuch 1 -f null -")),
)  # fmt: skip
