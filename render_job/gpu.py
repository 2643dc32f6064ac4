"""Whether this machine's GPU encodes, tried for real: its driver, ten frames there and back.

    driver    is there one, and is it new enough for this ffmpeg's NVENC?
    encode    ten frames by h264_nvenc: a GPU may have no encoder, or no session left
    decode    the ten frames by NVDEC, scaled by scale_cuda and fetched

None of it was run: no GPU was at hand. The messages are ffmpeg's and NVIDIA's own, as others met
them, and the words that are said for each are tried (`tests/unit/test_gpu.py`).
"""

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from render_job.diagnosis import meaningful
from render_job.errors import RenderFault
from render_job.ffmpeg import ask
from schemas.failures import Failure, FailureClass

FRAMES = 10
DRIVER = Path("/proc/driver/nvidia/version")
NAMES = ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")
ARCHITECTURES = (
    ("turing", r"\bT4\b|\bT1000\b|RTX 20\d0|GTX 16\d0|Quadro RTX"),
    ("ada", r"\bL4\b|\bL40S?\b|RTX 40\d0|Ada Generation"),
    ("ampere", r"\bA(?:2|10G?|16|40)\b|RTX 30\d0|RTX A\d000"),
    ("blackwell", r"RTX PRO \d+|RTX 50\d0"),
)
"""By what NVIDIA calls its products: one architecture, one generation of NVENC, other bits."""
WITHOUT_NVENC = re.compile(r"\b(?:A100|A30|A800|H100|H200|H800|GH200|B200|GB200)\b")
"""They decode and have no encoder (https://developer.nvidia.com/video-encode-decode-support-matrix)."""
LEAST_DRIVERS = ("610.00", "570.0", "550.54.14", "530.41.03", "520.56.06", "470.57.02", "455.28")
"""What libavcodec/nvenc.c says that it needs, by the version of NVIDIA's headers that it was built
with, the newest first; one of these words stands in the binary."""
ENCODED = (
    "-c:v",
    "h264_nvenc",
    "-preset",
    "p5",
    "-rc",
    "vbr",
    "-cq",
    "21",
    "-b:v",
    "0",
    "-bf",
    "2",
)

_RELEASE = re.compile(r"(?:Kernel Module|x86_64)\s+(?:for x86_64\s+)?(\d{3}\.\d+(?:\.\d+)?)")
_NEEDS = re.compile(r"minimum required Nvidia driver for nvenc is ([\d.]+)")
_MADE = re.compile(r"^frame=\s*(\d+)", re.MULTILINE)
_VERDICTS = (
    ("driver_too_old", r"minimum required Nvidia driver|not support the required nvenc API",
     "Its driver is older than this ffmpeg's NVENC needs{needs}: take an ffmpeg that was built "
     "with older headers, as the image has, or a newer driver."),
    ("gpu_missing", r"Cannot load libcuda|Cannot load libnv|CUDA_ERROR_NO_DEVICE|no CUDA-capable",
     "There is no GPU, or none of its driver's libraries is let in: give the task a GPU."),
    ("encoder_missing", r"Unknown encoder|Encoder not found|No such filter",
     "This ffmpeg was built without NVENC or CUDA's filters: use the image's."),
    ("gpu_busy", r"OpenEncodeSessionEx failed: (?:out of memory|incompatible client key)"
                 r"|CUDA_ERROR_OUT_OF_MEMORY",
     "Its encoder has no session or no memory left: others are at work on it."),
    ("nvenc_missing", r"No (?:NVENC )?capable devices found|does not support NVENC",
     "The GPU has no encoder that this ffmpeg can use: an L4 has one, an A100 or H100 has none."),
    ("nvdec_fails", r"hwaccel initialisation returned error|No device available for decoder",
     "It does not decode what it encoded."),
)  # fmt: skip
"""Reason, what ffmpeg says, and what is said of it. The first that fits counts: a driver that is
too old leaves no capable device as well, and so does a session that is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU that was seen to encode and decode."""

    architecture: str
    """Such as `ada`."""
    api: str
    """The least driver that this ffmpeg's NVENC takes, its first number: `470`."""
    driver: str
    """The one that is here."""

    @property
    def encoder_class(self) -> str:
        """What it makes can be joined to what any such GPU makes by such an ffmpeg."""
        return f"h264_nvenc/{self.architecture}/{self.api}"


def find_gpu(
    ffmpeg: str,
    *,
    asked: Callable[[Sequence[str]], tuple[int, str]] = lambda argv: ask(list(argv)),
    driver: Path = DRIVER,
) -> Gpu:
    """The GPU to render with. Raises RenderFault: dependency, or capacity where it is only busy."""
    api = least_driver(libraries(ffmpeg, asked))
    if api is None:
        raise RenderFault(_failure("encoder_missing", ""))
    release = _release(driver)
    if release is None:
        raise RenderFault(_failure("gpu_missing", ""))
    if _numbers(release) < _numbers(api):
        raise RenderFault(_failure("driver_too_old", f"it is {release}, and {api} is needed"))
    architecture = _architecture(asked(NAMES)[1])
    with tempfile.TemporaryDirectory(prefix="clipline-gpu-") as folder:
        for argv in trial(ffmpeg, Path(folder) / "ten.mp4"):
            status, words = asked(argv)
            if (failure := verdict(status, words)) is not None:
                raise RenderFault(failure)
    return Gpu(architecture=architecture, api=api.partition(".")[0], driver=release)


def trial(ffmpeg: str, file: Path) -> tuple[list[str], list[str]]:
    """Ten frames to the file, and from it: both must say that they made ten."""
    said = (ffmpeg, "-nostdin", "-hide_banner", "-v", "error", "-nostats", "-progress", "pipe:1")
    ten = ("-f", "lavfi", "-i", f"testsrc2=s=256x256:r=25:d={FRAMES / 25}")
    kept = ("-hwaccel", "cuda", "-hwaccel_output_format", "cuda", "-extra_hw_frames", "8")
    down = "scale_cuda=128:128:format=nv12:interp_algo=bicubic,hwdownload,format=nv12"
    return (
        [*said, "-y", *ten, "-frames:v", str(FRAMES), *ENCODED, "-f", "mp4", f"file:{file}"],
        [*said, *kept, "-i", f"file:{file}", "-vf", down, "-f", "null", "-"],
    )


def verdict(status: int, words: str) -> Failure | None:
    """What a trial's end amounts to; None where it made its ten frames."""
    made = _MADE.findall(words)
    if status == 0 and made and int(made[-1]) == FRAMES:
        return None
    for reason, pattern, _ in _VERDICTS:
        if re.search(pattern, words):
            return _failure(reason, words)
    return Failure(
        failure=FailureClass.DEPENDENCY,
        reason="gpu_fails",
        message=f"The GPU made {made[-1] if made else 0} of {FRAMES} frames when it was tried.",
        detail=meaningful(words),
    )


def least_driver(binaries: Sequence[Path]) -> str | None:
    """What this ffmpeg's NVENC asks for, as its code says it; None where it says nothing."""
    told = set[str]()
    for path in binaries:
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            if data.find(b"minimum required Nvidia driver for nvenc") >= 0:
                told |= {one for one in LEAST_DRIVERS if data.find(f"\0{one}\0".encode()) >= 0}
    return next((one for one in LEAST_DRIVERS if one in told), None)


def libraries(ffmpeg: str, asked: Callable[[Sequence[str]], tuple[int, str]]) -> Sequence[Path]:
    """The program, and libavcodec where that is a file of its own."""
    _, words = asked(["ldd", ffmpeg])
    return (Path(ffmpeg), *map(Path, re.findall(r"=> (/\S*libavcodec\S*)", words)))


def _release(path: Path) -> str | None:
    try:
        found = _RELEASE.search(path.read_text())
    except OSError:
        return None
    return found[1] if found else None


def _architecture(names: str) -> str:
    """Of the first GPU. Raises RenderFault for one that has no encoder, or that nobody knows."""
    name = names.strip().partition("\n")[0]
    if WITHOUT_NVENC.search(name):
        raise RenderFault(_failure("nvenc_missing", name))
    for architecture, pattern in ARCHITECTURES:
        if re.search(pattern, name):
            return architecture
    raise RenderFault(
        Failure(
            failure=FailureClass.DEPENDENCY,
            reason="gpu_unknown",
            message=f"Nobody here knows the GPU {name[:80]!r}: add it to render_job/gpu.py.",
        )
    )


def _failure(reason: str, words: str) -> Failure:
    sentence = next(said for known, _, said in _VERDICTS if known == reason)
    needs = _NEEDS.search(words)
    told = f" ({needs[1]})" if needs else f" ({words})" if reason == "driver_too_old" else ""
    return Failure(
        failure=FailureClass.CAPACITY if reason == "gpu_busy" else FailureClass.DEPENDENCY,
        reason=reason,
        message=sentence.format(needs=told),
        detail=meaningful(words),
    )


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(part) for part in release.split("."))
