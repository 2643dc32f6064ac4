"""Plain little videos in every container, each made once: what is damaged elsewhere."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from render_job.encoder import find_ffmpeg
from render_job.ffmpeg import ask
from tests.sources import SAMPLE

PATIENCE = timedelta(minutes=2)
"""The largest bombs take two seconds on a machine with nothing else to do."""

MAGENTA = (105, 202, 223)
"""Y, U and V of the secret film."""

_SOUND = "-c:a aac -b:a 32k -ac 2"
_X264 = "-c:v libx264 -preset ultrafast -crf 30 -g 25 -bf 2 -pix_fmt yuv420p"
_SMALL = "-t 2 -vf scale=160:90,fps=25"

RECIPES: dict[str, tuple[str, str, str]] = {
    # name: (suffix, made of, ffmpeg's words)
    "plain": ("mp4", "", f"{_SMALL} {_X264} {_SOUND} -video_track_timescale 12800"),
    "front": ("mp4", "plain", "-c copy -movflags +faststart"),
    "fragmented": ("mp4", "plain", "-c copy -movflags +frag_keyframe+empty_moov"),
    "mov": ("mov", "plain", "-c copy"),
    "mkv": ("mkv", "plain", "-c copy"),
    "ts": ("ts", "plain", "-c copy"),
    "avi": ("avi", "", f"{_SMALL} -c:v mpeg4 -q:v 8 -c:a libmp3lame -b:a 32k"),
    "mjpeg": ("mov", "", "-t 0.4 -vf scale=160:90 -an -c:v mjpeg -q:v 12 -pix_fmt yuvj420p"),
    "silent": ("mp4", "plain", "-an -c copy"),
    "secret": ("ts", "", f"-t 2 -vf drawbox=t=fill:c=0xff00ff,scale=160:90 {_X264} {_SOUND}"),
    "secret_mp4": ("mp4", "secret", "-c copy"),
}


@dataclass(frozen=True, slots=True)
class Kitchen:
    """Makes each video once, in its folder."""

    folder: Path

    def path(self, name: str) -> Path:
        """The video of that name in RECIPES."""
        suffix, of, words = RECIPES[name]
        made = self.folder / f"{name}.{suffix}"
        return made if made.exists() else self.cook(made, self.path(of) if of else SAMPLE, words)

    def data(self, name: str) -> bytes:
        """Its bytes."""
        return self.path(name).read_bytes()

    def cook(self, out: Path, of: Path | None, words: str, *, before: str = "") -> Path:
        """A file made by ffmpeg's words, of another one or of nothing."""
        source = ["-i", str(of)] if of else []
        quiet = ["-nostdin", "-v", "error", "-y", "-threads", "1"]
        argv = [find_ffmpeg().path, *quiet, *before.split(), *source, *words.split(), str(out)]
        status, said = ask(argv, limit=PATIENCE)
        assert status == 0, said
        return out
