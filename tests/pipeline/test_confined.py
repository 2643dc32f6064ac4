"""What an ffmpeg may reach: its source, its folder and nothing else, whatever it is talked into.

Each defence of the kernel is tried on its own, with an ffmpeg that was told nothing of whitelists.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from render_job.errors import RenderFault
from render_job.ffmpeg import run
from render_job.reach import PROGRAM, Limits, Reach, defences, reach_of
from tests.pipeline.test_ffmpeg import LIMIT, PYTHON, program, words
from tests.sources import SAMPLE

needs = {
    name: pytest.mark.skipif(
        name not in defences() and not os.environ.get("CI"),
        reason=f"this kernel does not keep {name}",
    )
    for name in ("files", "ports", "network", "processes", "parent")
}
DEFENCES = ("parent", "rights", "files", "ports", "signals", "network", "processes")
"""As docs/security.md names them."""
FRAMES = "-frames:v 2 -f mpegts pipe:1"


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """A port of this machine at which somebody may knock."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        yield listener


def knocked(door: socket.socket) -> bool:
    try:
        door.accept()[0].close()
    except TimeoutError:
        return False
    return True


@pytest.fixture
def room(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_what_it_may_reach_follows_from_its_command(tmp_path: Path) -> None:
    listing = tmp_path / "list.ffconcat"
    listing.write_text("file 'file:/s/it'\\''s.mp4'\nfile 'file:/s/b.mp4'\n")
    argv = ["ffmpeg", "-i", "file:/in/a.mp4", "-i", f"file:{listing}", "file:/out/b.mp4"]
    pieces = (Path("/s/it's.mp4"), Path("/s/b.mp4"))
    assert reach_of(argv) == Reach(
        reads=(Path("/in/a.mp4"), listing, *pieces), writes=(Path("/out"),), home=Path("/out")
    )
    served = ["ffmpeg", "-i", "http://127.0.0.1:4711/x", "-f", "mp4", "pipe:1"]
    assert reach_of(served, Path("/s")) == Reach(writes=(Path("/s"),), port=4711, home=Path("/s"))


def test_the_log_says_once_which_defences_are_in_force(caplog: pytest.LogCaptureFixture) -> None:
    """As the program says that confines itself; and what stands in place of what it has not."""
    told = [sys.executable, "-I", "-S", "-B", str(PROGRAM), "--"]
    kept = subprocess.run(told, capture_output=True, check=True, text=True, env={}).stdout.split()
    defences.cache_clear()
    with caplog.at_level("INFO", "clipline.reach"):
        assert defences() == defences()
    (line,) = [one for one in caplog.records if vars(one).get("action") == "confined"]
    named, _, missing = line.getMessage().partition("; not by ")
    assert set(vars(line)["defences"]) == {*DEFENCES} & {*kept}
    for name in DEFENCES:
        assert (name in named) is (name in kept)
        assert (name in missing) is (name not in kept)
    assert ("egress rules and the identity" in missing) is ("network" not in kept)


def test_where_the_kernel_keeps_nothing_the_log_says_what_stands_against_the_network(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A program that can do nothing for it, as on a kernel without any of that."""
    bare = tmp_path / "confined.py"
    bare.write_text("")
    with caplog.at_level("INFO", "clipline.reach"):
        assert defences(bare) == frozenset()
    (line,) = caplog.records
    assert line.getMessage() == (
        f"ffmpeg is confined by limits alone; not by {', '.join(DEFENCES)}: against the network"
        " stand the list of demuxers, egress rules and the identity"
    )


@needs["files"]
def test_a_file_that_its_command_does_not_name_cannot_be_read(room: Path, tmp_path: Path) -> None:
    """A list of files in the place of the upload, and no whitelist: what ffmpeg does by default."""
    own = tmp_path / "own.txt"
    own.write_text(f"file 'file:{SAMPLE}'\n")
    talked_into = words(f"-nostdin -v error -f concat -safe 0 -i file:{own} {FRAMES}")
    with pytest.raises(RenderFault) as caught:
        run(talked_into, limit=LIMIT, into=room / "out.ts")
    assert "Permission denied" in caught.value.failure.detail
    assert run(talked_into, limit=LIMIT, into=room / "out.ts", reads=(SAMPLE,)) == 2


@needs["files"]
def test_nothing_is_written_but_in_its_folder(room: Path, tmp_path: Path) -> None:
    code = f"open({str(room / 'in')!r}, 'w'); open({str(tmp_path / 'out')!r}, 'w')"
    with pytest.raises(RenderFault) as caught:
        run(program(room, code), limit=LIMIT, into=room / "said", reads=PYTHON)
    assert "Permission denied" in caught.value.failure.detail
    assert (room / "in").exists()
    assert not (tmp_path / "out").exists()


@needs["network"]
@pytest.mark.parametrize(
    "url", ["tcp://127.0.0.1:{}", "http://localhost:{}/x", "udp://127.0.0.1:{}"]
)
def test_it_has_no_network(door: socket.socket, room: Path, url: str) -> None:
    talked_into = words(f"-nostdin -v error -i {url.format(door.getsockname()[1])} {FRAMES}")
    with pytest.raises(RenderFault):
        run(talked_into, limit=LIMIT, into=room / "out.ts")
    assert not knocked(door)


@needs["ports"]
def test_of_many_ports_it_reaches_the_one_that_serves_its_source(
    door: socket.socket, room: Path
) -> None:
    def serve() -> None:
        movie = SAMPLE.read_bytes()
        head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(movie)}\r\n\r\n".encode()
        try:
            visitor, _ = source.accept()
            with visitor:
                visitor.recv(4096)
                visitor.sendall(head + movie)
        except OSError:
            return

    with socket.create_server(("127.0.0.1", 0)) as source:
        serving = Thread(target=serve)
        serving.start()
        url = f"http://127.0.0.1:{source.getsockname()[1]}/x"
        elsewhere = f"http://127.0.0.1:{door.getsockname()[1]}/x"
        argv = words(f"-nostdin -v error -i {url} {FRAMES}")
        assert run(argv, limit=LIMIT, into=room / "out.ts") == 2
        serving.join()
        with pytest.raises(RenderFault):
            run([*argv, "-i", elsewhere], limit=LIMIT, into=room / "out.ts")
    assert not knocked(door)


@needs["processes"]
def test_it_starts_no_other_process_and_has_nothing_of_ours(room: Path) -> None:
    code = (
        "print(dict(os.environ), os.getcwd())\n"
        "try: os.fork()\n"
        "except PermissionError: print('alone', flush=True)\n"
    )
    run(program(room, code), limit=LIMIT, into=room / "said", reads=PYTHON)
    # Python adds where it found itself on some systems: nothing of the task is there.
    assert (room / "said").read_text() == f"{{'LC_CTYPE': 'C.UTF-8'}} {room}\nalone\n"


def test_one_that_does_nothing_at_all_hangs(room: Path) -> None:
    limits = Limits(idle=timedelta(seconds=0.4))
    with pytest.raises(RenderFault) as caught:
        run(
            program(room, "time.sleep(60)"),
            limit=LIMIT,
            limits=limits,
            into=room / "x",
            reads=PYTHON,
        )
    assert caught.value.failure.reason == "ffmpeg_hangs"


def test_one_that_turns_in_circles_is_fruitless(room: Path) -> None:
    limits = Limits(fruitless=timedelta(seconds=0.4))
    with pytest.raises(RenderFault) as caught:
        run(
            program(room, "while True: pass"),
            limit=LIMIT,
            limits=limits,
            into=room / "x",
            reads=PYTHON,
        )
    assert caught.value.failure.reason == "ffmpeg_fruitless"


@pytest.mark.skipif(sys.platform != "linux", reason="macOS knows no limit to the address space")
def test_one_that_takes_too_much_memory_is_told_so(room: Path) -> None:
    picture = "-f lavfi -i color=s=8000x8000 -frames:v 3 -c:v libx264 -f null -"
    argv = words(f"-nostdin -v error {picture}")
    with pytest.raises(RenderFault) as caught:
        run(argv, limit=LIMIT, into=room / "x", limits=Limits(memory_bytes=400 << 20))
    assert caught.value.failure.reason == "memory_limit"
