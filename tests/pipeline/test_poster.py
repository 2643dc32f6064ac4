"""A poster is the picture of the clip at the moment asked for, whole and in its colours."""

from math import log10
from pathlib import Path

import av
import pytest

from render_job.errors import Exit
from render_job.images import Shade, unlike
from schemas.kinds import Kind
from tests.pipeline.workshop import Workshop, workshop
from tests.sources import Sources, tool

SPEC = """{"clips": [{"name": "a", "start": 1, "end": 3}],
 "outputs": [{"height": 90, "quality": "lossless", "name": "film"},
             {"kind": "poster", "height": 90},
             {"kind": "poster", "height": 90, "name": "early", "at": 0.25, "image": "png"}]}"""


@pytest.fixture(scope="module")
def made(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    folder = tmp_path_factory.mktemp("poster")
    it = workshop(sources.path("ntsc"), folder, SPEC)
    assert it.run() is Exit.REPORTED
    return it


def picture(path: Path, number: int = 0) -> "av.VideoFrame":
    with av.open(str(path)) as container:
        for at, frame in enumerate(container.decode(video=0)):
            if at == number:
                return frame
    raise AssertionError(f"{path} has no picture {number}")


@pytest.mark.parametrize(("file", "number"), [("poster.jpg", 30), ("early.png", 7)])
def test_it_is_the_frame_of_the_clip_at_that_moment(file: str, number: int, made: Workshop) -> None:
    folder = made.fetched() / "team/a/a"
    shown = picture(folder / file)
    assert (shown.width, shown.height) == (160, 90)
    plain = Shade(is_709=False)
    assert unlike(shown, picture(folder / "film.mp4", number), plain) == ""
    near = range(number - 2, number + 3)
    likeness = {n: psnr(shown, picture(folder / "film.mp4", n)) for n in near}
    assert max(near, key=lambda n: likeness[n]) == number, likeness


def psnr(one: "av.VideoFrame", other: "av.VideoFrame") -> float:
    pairs = zip(pixels(one), pixels(other), strict=True)
    mean = sum((a - b) ** 2 for a, b in pairs) / (3 * one.width * one.height)
    return 10 * log10(255**2 / max(mean, 1e-9))


def pixels(frame: "av.VideoFrame") -> bytes:
    plane = frame.reformat(format="rgb24").planes[0]
    pitch, data = plane.line_size, bytes(plane)
    return b"".join(data[y * pitch : y * pitch + 3 * frame.width] for y in range(frame.height))


def test_its_certificate_says_what_it_is(made: Workshop) -> None:
    certificate = made.certificate("a/poster")
    info = made.outputs.stat("team/a/a/poster.jpg")
    assert info
    assert (certificate.kind, certificate.frames) == (Kind.POSTER, 1)
    assert certificate.size_bytes == info.size_bytes
    assert certificate.audio_samples is None
    assert certificate.verified


@pytest.mark.parametrize("image", ["jpeg", "png"])
@pytest.mark.parametrize("colour", [(255, 0, 0), (64, 160, 96), (128, 128, 128)])
def test_of_hdr_it_has_the_colours_that_an_image_can_have(
    colour: tuple[int, int, int], image: str, tmp_path: Path
) -> None:
    """The source is made by zscale. Red is above the knee of `render_job/light.py`, and the numbers
    of PQ are coarse where green is dark."""
    film, name = tmp_path / "film.mp4", "{:02x}{:02x}{:02x}".format(*colour)
    tool(
        *("-nostdin", "-v", "error", "-f", "lavfi", "-i", f"color=0x{name}:s=160x90:d=0.5"),
        "-vf",
        "format=gbrp,setparams=color_trc=iec61966-2-1:color_primaries=bt709:colorspace=gbr:range=pc,"
        "zscale=t=smpte2084:p=bt2020:m=bt2020nc:r=limited:npl=203,format=yuv420p10le",
        *("-c:v", "libx265", "-preset", "ultrafast", "-crf", "4"),
        *(
            "-x265-params",
            "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc",
        ),
        str(film),
    )
    spec = f'{{"outputs": [{{"kind": "poster", "height": 90, "image": "{image}"}}]}}'
    it = workshop(film, tmp_path, spec)
    assert it.run() is Exit.REPORTED
    assert it.failures() == []
    (made,) = it.names()
    shown = pixels(picture(it.fetched() / made))[:3]
    assert all(abs(a - b) <= 18 for a, b in zip(shown, colour, strict=True)), tuple(shown)


@pytest.mark.parametrize("kind", ["poster", "thumbnails"])
def test_images_of_a_film_in_hdr_are_verified_as_what_they_show(kind: str, tmp_path: Path) -> None:
    spec = f'{{"outputs": [{{"kind": "{kind}", "height": 90}}]}}'
    it = workshop(Sources(tmp_path).path("hdr"), tmp_path, spec)
    assert it.run() is Exit.REPORTED
    assert it.failures() == []


@pytest.mark.parametrize(
    ("height", "tags"), [(180, "-colorspace bt709"), (720, "-colorspace unknown")]
)
@pytest.mark.parametrize("image", ["jpeg", "png"])
def test_colours_are_kept_whatever_matrix_the_video_has(
    image: str, height: int, tags: str, tmp_path: Path
) -> None:
    bars, width = tmp_path / "bars.mp4", height * 16 // 9
    tool(
        *("-nostdin", "-v", "error", "-f", "lavfi", "-i", f"smptehdbars=s={width}x{height}:d=0.4"),
        *("-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"),
        *("-color_range", "tv", "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast"),
        *("-bsf:v", "h264_metadata=matrix_coefficients=2" if "unknown" in tags else "null"),
        *(*tags.split(), str(bars)),
    )
    spec = f'{{"outputs": [{{"kind": "poster", "height": {height}, "image": "{image}"}}]}}'
    it = workshop(bars, tmp_path, spec)
    assert it.run() is Exit.REPORTED
    assert it.failures() == []
    (name,) = it.names()
    shown = picture(it.fetched() / name)
    at = 3 * (height // 4 * width + width * 17 // 32)
    green = pixels(shown)[at : at + 3]
    assert all(abs(a - b) <= 8 for a, b in zip(green, (13, 221, 2), strict=True)), tuple(green)
