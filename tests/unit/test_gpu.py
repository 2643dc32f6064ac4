"""What is said of a GPU that was tried: by the words of ffmpeg and of NVIDIA's driver.

None was run. The messages are those that others met and that stand in ffmpeg's own code.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from render_job.encoder import THREADS, Encoder, encoder_class, find_ffmpeg
from render_job.engines import Engine
from render_job.errors import RenderFault
from render_job.gpu import Gpu, find_gpu, least_driver, trial, verdict
from render_job.reach import LIMITS, Reach, confined, reach_of
from schemas.failures import FailureClass
from tests.sources import tool

AT = "[h264_nvenc @ 0x562955c45e80]"
NO_DRIVER = f"{AT} Cannot load libcuda.so.1\n"
TOO_OLD = (
    f"{AT} Driver does not support the required nvenc API version. Required: 13.1 Found: 13.0\n"
    f"{AT} The minimum required Nvidia driver for nvenc is 610.00 or newer\n"
    f"{AT} No capable devices found\n"
)
NO_SESSION = f"{AT} OpenEncodeSessionEx failed: out of memory (10): (no details)\n"
NO_MEMORY = (
    f"{AT} dl_fn->cuda_dl->cuCtxCreate(&ctx->cu_context_internal, 0, cu_device) failed -> "
    f"CUDA_ERROR_OUT_OF_MEMORY: out of memory\n{AT} No NVENC capable devices found\n"
)
NO_NVENC = f"{AT} No capable devices found\n"
NO_NVDEC = "[h264 @ 0x1] Failed setup for format cuda: hwaccel initialisation returned error.\n"
TEN = "frame=4\nprogress=continue\nframe=10\nprogress=end\n"
RELEASES = {
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu Oct 19 18:56:32 UTC 2023\n"
    "GCC version:  gcc version 11.4.0\n": "535.129.03",
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build\n": (
        "580.65.06"
    ),
}


@pytest.mark.parametrize(
    ("words", "reason", "said"),
    [
        (NO_DRIVER, "gpu_missing", "give the task a GPU"),
        (TOO_OLD, "driver_too_old", "than this ffmpeg's NVENC needs (610.00): take an ffmpeg"),
        (NO_NVENC, "nvenc_missing", "an A100 or H100 has none"),
        (NO_NVDEC, "nvdec_fails", "does not decode"),
        ("Unknown encoder 'h264_nvenc'\n", "encoder_missing", "built without NVENC"),
        ("frame=7\nprogress=end\n", "gpu_fails", "made 7 of 10 frames"),
        ("", "gpu_fails", "made 0 of 10 frames"),
    ],
)
def test_each_trial_that_fails_says_what_to_do(words: str, reason: str, said: str) -> None:
    failure = verdict(255 if "progress" not in words else 0, words)
    assert failure is not None
    assert (failure.failure, failure.reason) == (FailureClass.DEPENDENCY, reason)
    assert said in failure.message


@pytest.mark.parametrize("words", [NO_SESSION, NO_MEMORY])
def test_a_gpu_that_others_use_is_busy_and_not_broken(words: str) -> None:
    failure = verdict(1, words)
    assert failure is not None
    assert (failure.failure, failure.reason) == (FailureClass.CAPACITY, "gpu_busy")


def test_ten_frames_pass_and_nine_or_a_bad_end_do_not() -> None:
    assert verdict(0, TEN) is None
    assert verdict(0, TEN.replace("10", "9")) is not None
    assert verdict(1, TEN) is not None


@pytest.mark.parametrize("least", ["470.57.02", "570.0", "610.00"])
def test_the_least_driver_is_read_from_the_binary(least: str, tmp_path: Path) -> None:
    library = tmp_path / "libavcodec.so.59"
    said = b"The minimum required Nvidia driver for nvenc is %s or newer\n"
    library.write_bytes(b"\x7fELF" + bytes(99) + said + b"\0" + least.encode() + b"\0more")
    assert least_driver([library]) == least
    library.write_bytes(f"\0{least}\0".encode())
    assert least_driver([library]) is None


def asked(
    names: str, first: tuple[int, str] = (0, TEN), second: tuple[int, str] = (0, TEN)
) -> Callable[[Sequence[str]], tuple[int, str]]:
    def answer(argv: Sequence[str]) -> tuple[int, str]:
        if argv[0] == "ldd":
            return 1, "\tnot a dynamic executable\n"
        if argv[0] == "nvidia-smi":
            return 0, names
        return second if "-hwaccel" in argv else first

    return answer


@pytest.fixture
def site(tmp_path: Path) -> Mapping[str, Path]:
    """An ffmpeg of Debian 12, as far as it is looked at, and a driver of Cloud Run's L4."""
    ffmpeg, driver = tmp_path / "ffmpeg", tmp_path / "version"
    ffmpeg.write_bytes(b"minimum required Nvidia driver for nvenc is %s\x00470.57.02\x00")
    driver.write_text(next(iter(RELEASES)))
    return {"ffmpeg": ffmpeg, "driver": driver}


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("NVIDIA L4", "ada"),
        ("Tesla T4", "turing"),
        ("NVIDIA A10G", "ampere"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "blackwell"),
        ("NVIDIA GeForce RTX 4090\nNVIDIA GeForce RTX 3080", "ada"),
    ],
)
def test_a_gpu_that_passes_has_the_class_of_its_architecture_and_of_ffmpegs_headers(
    name: str, architecture: str, site: Mapping[str, Path]
) -> None:
    gpu = find_gpu(str(site["ffmpeg"]), asked=asked(name), driver=site["driver"])
    assert gpu == Gpu(architecture=architecture, api="470", driver="535.129.03")
    encoder = Encoder(path="ffmpeg", version="5.1.9", source="system", gpu=gpu)
    assert encoder.engine is Engine.NVENC
    assert encoder_class(encoder, THREADS) == f"h264_nvenc/{architecture}/470"


@pytest.mark.parametrize(
    ("names", "first", "second", "reason"),
    [
        ("NVIDIA H200", (0, TEN), (0, TEN), "nvenc_missing"),
        ("NVIDIA A100-SXM4-40GB", (0, TEN), (0, TEN), "nvenc_missing"),
        ("Voodoo 2", (0, TEN), (0, TEN), "gpu_unknown"),
        ("NVIDIA L4", (1, NO_SESSION), (0, TEN), "gpu_busy"),
        ("NVIDIA L4", (0, TEN), (1, NO_NVDEC), "nvdec_fails"),
    ],
)
def test_one_that_does_not_pass_is_refused_with_its_reason(
    names: str,
    first: tuple[int, str],
    second: tuple[int, str],
    reason: str,
    site: Mapping[str, Path],
) -> None:
    with pytest.raises(RenderFault) as refused:
        find_gpu(str(site["ffmpeg"]), asked=asked(names, first, second), driver=site["driver"])
    assert refused.value.failure.reason == reason


@pytest.mark.parametrize(("text", "release"), RELEASES.items())
def test_a_driver_that_is_too_old_is_told_before_anything_is_tried(
    text: str, release: str, site: Mapping[str, Path]
) -> None:
    site["ffmpeg"].write_bytes(b"minimum required Nvidia driver for nvenc is %s\x00610.00\x00")
    site["driver"].write_text(text)
    with pytest.raises(RenderFault, match=f"it is {release}, and 610.00 is needed"):
        find_gpu(str(site["ffmpeg"]), asked=asked("NVIDIA L4"), driver=site["driver"])


def test_without_a_driver_there_is_no_gpu(site: Mapping[str, Path], tmp_path: Path) -> None:
    with pytest.raises(RenderFault, match="There is no GPU"):
        find_gpu(str(site["ffmpeg"]), asked=asked("NVIDIA L4"), driver=tmp_path / "none")


def test_the_trial_makes_ten_frames_with_the_recipes_words_where_a_processor_does_it(
    tmp_path: Path,
) -> None:
    """The GPU's own words taken out, the same two commands run here."""
    file = tmp_path / "ten.mp4"
    first, second = trial(find_ffmpeg().path, file)
    at = first.index("-c:v")
    plain = [*first[1:at], "-c:v", "libx264", "-bf", "2", *first[first.index("-f", at) :]]
    assert verdict(0, tool(*plain)) is None
    begin, end = second.index("-hwaccel"), second.index("-i")
    words = [*second[1:begin], *second[end:]]
    words[words.index("-vf") + 1] = "scale=128:128:flags=bicubic,format=nv12"
    assert verdict(0, tool(*words)) is None


def test_a_gpu_is_within_reach_of_who_names_it_and_of_nobody_else() -> None:
    plain = ["ffmpeg", "-i", "file:/a", "-c:v", "libx264", "pipe:1"]
    gpu = ["ffmpeg", "-hwaccel", "cuda", "-i", "file:/a", "-c:v", "h264_nvenc", "pipe:1"]
    assert reach_of(plain).reads == (Path("/a"),)
    assert Path("/proc/driver/nvidia") in reach_of(gpu).reads
    reach = Reach(devices=(Path("/dev/nvidia0"),))
    words = confined(gpu, reach, LIMITS, LIMITS.idle)
    assert "device=/dev/nvidia0" in words
    assert not any(word.startswith("as=") for word in words)
    assert any(word.startswith("as=") for word in confined(plain, Reach(), LIMITS, LIMITS.idle))
