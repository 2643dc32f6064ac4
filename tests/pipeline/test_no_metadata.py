"""Nothing of where, when and with what a video was filmed is in any file that is made of it.

The source says it wherever a file can: in its header, on its streams, in chapters, in a track of
words and one of time codes, as a cover image, in XMP, and within the pictures' own data.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from struct import pack, unpack_from

import pytest

from render_job.boxes import boxes, inside
from render_job.errors import Exit
from tests.pipeline.workshop import Workshop, workshop
from tests.sources import Sources, tool

PLACE = "+48.8577+002.2950"
TOLD = (b"48.8577", b"002.2950", b"Apple", b"iPhone", b"GoPro", b"Paris", b"Dupont")
"""What the source says and no output may."""
SPEC = """{"loudness": -20, "clips": [{"name": "a", "end": 4}],
           "outputs": [{"height": 90, "name": "film"}, {"kind": "hls", "height": 90},
                       {"kind": "poster", "height": 90},
                       {"kind": "poster", "height": 90, "name": "still", "image": "png"},
                       {"kind": "thumbnails"}]}"""
SEI = f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+Paris{PLACE}"
FILMED = 1_556_960_400
"""In 2019, in seconds of 1970; containers count from 1904."""
SINCE_1904 = 2_082_844_800
FRENCH, NOT_SAID = 1, 0x55C4
"""Languages, as QuickTime numbers them, and as MP4 packs the letters `und`."""


def tagged(plain: Path, folder: Path) -> Path:
    """The sample as a telephone and an action camera would have made it, both at once."""
    words, chapters = folder / "w.srt", folder / "c.txt"
    words.write_text(f"1\n00:00:00,000 --> 00:00:03,000\nParis {PLACE}\n")
    chapters.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=5\ntitle=Paris\n")
    cover, out = folder / "cover.jpg", folder / "tagged.mov"
    tool("-nostdin", "-v", "error", "-i", str(plain), "-frames:v", "1", str(cover))
    said = {
        **dict.fromkeys(("location", "com.apple.quicktime.location.ISO6709"), f"{PLACE}/"),
        **{"make": "Apple", "model": "iPhone 15", "title": "Paris", "artist": "Dupont"},
        **{"com.apple.quicktime.make": "Apple", "creation_time": "2019-05-04T09:00:00Z"},
    }
    inputs = [plain, words, chapters, cover]
    tool(
        *("-nostdin", "-v", "error"),
        *(word for path in inputs for word in ("-i", str(path))),
        *("-map", "0:v", "-map", "0:a", "-map", "1", "-map", "3", "-map_chapters", "2"),
        *("-c", "copy", "-c:s", "mov_text", "-c:v:1", "mjpeg", "-disposition:v:1", "attached_pic"),
        *("-bsf:v:0", SEI, "-timecode", "01:02:03:04", "-movflags", "use_metadata_tags"),
        *(word for key, value in said.items() for word in ("-metadata", f"{key}={value}")),
        *("-metadata:s:v:0", "handler_name=GoPro AVC", "-metadata:s:a:0", "handler_name=GoPro AAC"),
        *("-metadata:s:a:0", "language=fra", "-metadata:s:v:0", f"comment=Paris {PLACE}"),
        str(out),
    )
    xmp = f"<x:xmpmeta>Paris {PLACE} Apple iPhone</x:xmpmeta>".encode()
    box = b"uuid" + bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + xmp
    with out.open("ab") as file:
        file.write(pack(">I", len(box) + 4) + box)
    return out


@pytest.fixture(scope="module")
def source(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tagged(sources.path("ntsc"), tmp_path_factory.mktemp("tagged"))


@pytest.fixture(scope="module")
def made(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    it = workshop(source, tmp_path_factory.mktemp("made"), SPEC)
    assert it.run() is Exit.REPORTED
    assert it.failures() == []
    return it


def test_the_source_says_it_all(source: Path) -> None:
    data = source.read_bytes()
    assert [word for word in TOLD if word not in data] == []
    assert FRENCH in {language for _, language in said_by(data)}
    assert FILMED in {moment for moment, _ in said_by(data)}


def test_no_output_says_any_of_it(made: Workshop) -> None:
    names = made.names()
    assert {name.rpartition(".")[2] for name in names} >= {
        "mp4",
        "m4s",
        "jpg",
        "png",
        "m3u8",
        "vtt",
    }
    for name in names:
        data = made.outputs.read(name)
        assert [word for word in TOLD if word in data] == [], name
        info = made.outputs.stat(name)
        assert info
        beside = " ".join((*info.metadata.keys(), *info.metadata.values())).encode()
        assert [word for word in TOLD if word in beside] == [], name
        if name.endswith("mp4"):
            assert set(said_by(data)) <= {(-SINCE_1904, None), (-SINCE_1904, NOT_SAID)}, name


def said_by(data: bytes) -> Iterator[tuple[int, int | None]]:
    """When each header says that it was made, in seconds of 1970, and in which language it is."""
    movie = next(box for box in boxes(BytesIO(data), len(data)) if box.kind == b"moov")
    yield from _told(data[movie.body : movie.end])


def _told(data: bytes) -> Iterator[tuple[int, int | None]]:
    for kind, box in inside(data):
        if kind in (b"trak", b"mdia"):
            yield from _told(box)
        if kind in (b"mvhd", b"tkhd", b"mdhd"):
            made = unpack_from(">Q" if box[0] else ">I", box, 4)[0] - SINCE_1904
            language = unpack_from(">H", box, 32 if box[0] else 20)[0]
            yield made, language if kind == b"mdhd" else None
