"""Honest files that few programs make, files with a wrong name, and files that are no videos."""

from pathlib import Path

from tests.hostile.case import Case, Make
from tests.hostile.kitchen import Kitchen
from tests.hostile.trial import Scene
from tests.sources import _turned

_VIDEO = "-c:v libx264 -preset ultrafast -crf 30 -g 25 -pix_fmt yuv420p"
FINE = ("verified",)


def _of(words: str, *, movie: str = "plain", suffix: str = "mp4", before: str = "") -> Make:
    """The movie, changed by ffmpeg's words."""

    def make(kitchen: Kitchen, scene: Scene) -> Path:
        out = scene.folder / f"odd.{suffix}"
        return kitchen.cook(out, kitchen.path(movie), words, before=before)

    return make


def _new(words: str, *, suffix: str = "mp4", before: str) -> Make:
    """A file of nothing but ffmpeg's words."""
    return lambda kitchen, scene: kitchen.cook(
        scene.folder / f"odd.{suffix}", None, words, before=before
    )


def _bytes(data: bytes) -> Make:
    return lambda kitchen, scene: data


def _kitchen(movie: str) -> Make:
    return lambda kitchen, scene: kitchen.path(movie)


def _around(before: bytes, after: bytes) -> Make:
    return lambda kitchen, scene: before + kitchen.data("ts" if before else "front") + after


def _upright(kitchen: Kitchen, scene: Scene) -> bytes:
    return _turned(kitchen.data("plain"))


_COLOUR = "-f lavfi -i color=s=160x90:r=25:d=2:c="
_LAVFI = "-f lavfi -i testsrc2=s=160x90:r=25:d=2"
_TONE = "-f lavfi -i sine=d=2"

ODDITIES = (
    # what is no video
    Case(of="no video", name="nothing", make=_bytes(b""), ends=("empty_file",), quick=True),
    Case(of="no video", name="one byte", make=_bytes(b"x"), ends=("not_a_video",)),
    Case(of="no video", name="5,000 zeros", make=_bytes(bytes(5000)), ends=("not_a_video",),
         quick=True),
    Case(of="no video", name="a diary", make=_bytes(b"Dear diary, no film today.\n" * 200),
         ends=("not_a_video",), quick=True),
    Case(of="no video", name="a page", make=_bytes(b"<!doctype html><title>404</title>" * 50),
         ends=("not_a_video",)),
    Case(of="no video", name="a ZIP", make=_bytes(b"PK\3\4" + bytes(range(256)) * 20),
         ends=("not_a_video",)),
    Case(of="no video", name="a script", make=_bytes(b"#!/bin/sh\nid > /tmp/owned\n"),
         ends=("not_a_video",)),
    Case(of="no video", name="a PNG", ends=("not_a_video",),
         make=_new("-frames:v 1 -update 1", suffix="png", before=_LAVFI)),
    Case(of="no video", name="a JPEG", ends=("not_a_video",), quick=True,
         make=_new("-frames:v 1 -update 1", suffix="jpg", before=_LAVFI)),
    Case(of="no video", name="a GIF that moves", ends=("not_a_video",),
         make=_new("-t 0.5", suffix="gif", before=_LAVFI)),
    Case(of="no video", name="a WAV", ends=("not_a_video",), make=_new("", suffix="wav",
                                                                       before=_TONE)),
    Case(of="no video", name="an MP3", ends=("not_a_video",), make=_new("", suffix="mp3",
                                                                        before=_TONE)),
    Case(of="no video", name="sound alone in MP4", ends=("no_video_stream",), quick=True,
         make=_of("-vn -c copy")),
    Case(of="no video", name="sound alone in Matroska", ends=("no_video_stream",),
         make=_of("-vn -c copy", suffix="mkv")),
    Case(of="no video", name="sound alone in a transport stream", ends=("no_video_stream",),
         make=_of("-vn -c copy", suffix="ts")),
    Case(of="no video", name="a song with a cover", ends=("no_video_stream",),
         make=_of("-map 1:a -map 0:v -c:a copy -c:v mjpeg -frames:v 1 -disposition:v attached_pic",
                  before=_LAVFI)),
    Case(of="no video", name="subtitles alone", ends=("not_a_video",),
         make=_bytes(b"1\n00:00:00,000 --> 00:00:01,000\nHello\n\n" * 50)),
    # what is refused for good reason
    Case(of="odd", name="encrypted", ends=("encrypted",), quick=True,
         make=_of("-c copy -encryption_scheme cenc-aes-ctr -encryption_key "
                  "00112233445566778899aabbccddeeff -encryption_kid "
                  "0123456789abcdef0123456789abcdef", movie="silent")),
    Case(of="odd", name="FFV1", ends=("codec",), make=_of("-c:v ffv1 -an -t 0.3", suffix="mkv"),
         upload="team/film.mkv"),
    Case(of="odd", name="no duration at all", ends=("zero_duration", "unreadable_video"),
         make=_of("-frames:v 1 -c copy -bsf:v setts=duration=0", movie="silent")),
    # whole videos in containers that are not read here
    Case(of="odd", name="an MPEG program stream", ends=("not_a_video",), upload="team/film.mpg",
         make=_of("-c:v mpeg2video -c:a mp2", suffix="mpg")),
    Case(of="odd", name="Flash video", ends=("not_a_video",), upload="team/film.flv", quick=True,
         make=_of("-c copy", suffix="flv")),
    Case(of="odd", name="Windows Media", ends=("not_a_video",), upload="team/film.wmv",
         make=_of("-c:v wmv2 -c:a wmav2", suffix="wmv")),
    Case(of="odd", name="Ogg", ends=("not_a_video",), upload="team/film.ogv",
         make=_of("-c:v libtheora -c:a libvorbis", suffix="ogv")),
    # codecs
    Case(of="odd", name="VP9 and Opus in WebM", ends=FINE, upload="team/film.webm",
         make=_of("-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus -t 1",
                  suffix="webm")),
    Case(of="odd", name="AV1", ends=FINE, make=_of("-c:v libsvtav1 -preset 12 -c:a copy -t 1")),
    Case(of="odd", name="MPEG-2 in a transport stream", ends=FINE, upload="team/film.ts",
         make=_of("-c:v mpeg2video -c:a mp2", suffix="ts")),
    Case(of="odd", name="H.263 in 3GP", ends=FINE, upload="team/film.3gp",
         make=_of("-vf scale=176:144 -c:v h263 -c:a aac -ar 8000 -ac 1", suffix="3gp")),
    # names and wrapping
    Case(of="odd", name="WebM that is called MP4", ends=FINE,
         make=_of("-c:v libvpx -b:v 100k -deadline realtime -cpu-used 8 -an -t 1", suffix="webm")),
    Case(of="odd", name="MP4 that is called text", ends=FINE, upload="team/film.txt", quick=True,
         make=_kitchen("plain")),
    Case(of="odd", name="AVI that is called Matroska", ends=FINE, upload="team/film.mkv",
         make=_kitchen("avi")),
    Case(of="odd", name="bytes behind the last box", ends=FINE, make=_around(b"", b"\0" * 999)),
    Case(of="odd", name="bytes before a transport stream", ends=("verified", "not_a_video"),
         upload="team/film.ts", make=_around(b"junk" * 25, b"")),
    Case(of="odd", name="a plain video through a port", ends=FINE, served=True, quick=True,
         make=_kitchen("plain")),
    Case(of="odd", name="a transport stream through a port", ends=FINE, served=True,
         upload="team/film.ts", make=_kitchen("ts")),
    # times
    Case(of="odd", name="one frame", ends=FINE, make=_of("-frames:v 1 -an -c copy")),
    Case(of="odd", name="times below zero", ends=FINE, upload="team/film.mkv",
         make=_of("-c copy -output_ts_offset -1 -avoid_negative_ts disabled", suffix="mov")),
    Case(of="odd", name="times near the end of 33 bits", ends=FINE, upload="team/film.ts",
         make=_of("-c copy -output_ts_offset 95442 -muxdelay 0", suffix="ts")),
    Case(of="odd", name="times that wrap around 33 bits", ends=FINE, upload="team/film.ts",
         make=_of("-c copy -output_ts_offset 95442.7 -muxdelay 0", suffix="ts")),
    Case(of="odd", name="times of a thousand years", ends=("verified", "unreadable_container"),
         upload="team/film.mkv", make=_of("-c copy -output_ts_offset 31536000000", suffix="mkv")),
    Case(of="odd", name="a hole of 4.5 seconds", ends=FINE,
         make=_of("-c copy -bsf:v setts=ts='TS+gte(N\\,25)*57600'", movie="silent")),
    Case(of="odd", name="times out of order", ends=("verified", "frames_missing", "gap"),
         make=_of("-c copy -bsf:v setts=pts='PTS-mod(N\\,7)*2000':dts=DTS", movie="silent")),
    Case(of="odd", name="every frame at the same time", ends=("zero_duration", "too_fast",
                                                              "verified", "unreadable_video"),
         make=_of("-c copy -bsf:v setts=ts=0:duration=0", movie="silent", suffix="mkv"),
         upload="team/film.mkv"),
    Case(of="odd", name="one frame in ten seconds", ends=FINE,
         make=_new(f"-r 1/10 {_VIDEO}", before="-f lavfi -i testsrc2=s=160x90:r=1/10:d=20")),
    Case(of="odd", name="240 frames a second", ends=FINE,
         make=_new(f"-t 0.5 {_VIDEO}", before="-f lavfi -i testsrc2=s=160x90:r=240:d=1")),
    # pictures
    Case(of="odd", name="turned", ends=FINE, make=_upright, quick=True),
    Case(of="odd", name="HDR10 in HEVC", ends=FINE,
         make=_of("-an -t 0.6 -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params "
                  "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc")),
    Case(of="odd", name="interlaced", ends=FINE,
         make=_of("-an -vf scale=160:96 -c:v libx264 -preset ultrafast -flags +ildct+ilme "
                  "-x264-params tff=1")),
    Case(of="odd", name="two pixels", ends=FINE,
         make=_new(_VIDEO, before="-f lavfi -i testsrc2=s=2x2:r=25:d=1")),
    Case(of="odd", name="odd numbers of pixels", ends=FINE,
         make=_new("-c:v libx264 -preset ultrafast -pix_fmt yuv444p",
                   before="-f lavfi -i testsrc2=s=161x91:r=25:d=1")),
    Case(of="odd", name="a strip of 4096 by 2", ends=("verified", "spec_fault"),
         make=_new(_VIDEO, before="-f lavfi -i color=s=4096x2:r=25:d=0.4")),
    Case(of="odd", name="grey", ends=FINE, make=_new("-c:v libx264 -preset ultrafast -pix_fmt gray",
                                                     before=_LAVFI)),
    Case(of="odd", name="RGB", ends=FINE, upload="team/film.mkv",
         make=_new("-c:v libx264rgb -preset ultrafast -t 1", suffix="mkv", before=_LAVFI)),
    Case(of="odd", name="with an alpha channel", ends=FINE, upload="team/film.mov",
         make=_new("-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le -t 0.4", suffix="mov",
                   before=_LAVFI)),
    Case(of="odd", name="green, all planes zero", ends=("pictures_blank",), quick=True,
         make=_new(f"-vf geq=lum=0:cb=0:cr=0 {_VIDEO} -t 0.4 -qp 0", before=_LAVFI)),
    Case(of="odd", name="black", ends=FINE, make=_new(f"{_VIDEO} -t 1", before=f"{_COLOUR}black")),
    Case(of="odd", name="the size changes on the way",
         ends=("verified", "frames_missing", "pictures_misplaced"),
         make=lambda kitchen, scene: kitchen.data("ts") + kitchen.cook(
             scene.folder / "b.ts", kitchen.path("plain"),
             f"-vf scale=96:54 {_VIDEO} -c:a copy -output_ts_offset 2", before="").read_bytes(),
         upload="team/film.ts"),
    # sound
    Case(of="odd", name="sound in 5.1", ends=FINE, make=_of("-c:v copy -c:a aac -ac 6 -b:a 96k")),
    Case(of="odd", name="sound of one channel at 8 kHz", ends=FINE,
         make=_of("-c:v copy -c:a aac -ac 1 -ar 8000")),
    Case(of="odd", name="sound that comes late", ends=FINE,
         make=_of("-c:v copy -af adelay=1200:all=1,atrim=start=1.2 -c:a aac")),
    Case(of="odd", name="sound that is longer", ends=FINE,
         make=_of("-c:v copy -af apad=whole_dur=6 -c:a aac")),
    Case(of="odd", name="sound that is shorter", ends=FINE,
         make=_of("-c:v copy -af atrim=end=0.3 -c:a aac")),
    Case(of="odd", name="sound without a sample", ends=("verified", "sound_not_verified"),
         make=_of("-map 0:v -map 0:a -c copy -bsf:a noise=drop=1")),
    Case(of="odd", name="two videos and three sounds", ends=FINE,
         make=_of("-map 0:v -map 0:v -map 0:a -map 0:a -map 0:a -c copy")),
    Case(of="odd", name="subtitles and data beside", ends=FINE, upload="team/film.mov",
         make=_of("-c copy -timecode 00:00:00:00", suffix="mov")),
)  # fmt: skip
