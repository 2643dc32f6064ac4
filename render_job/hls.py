"""HLS: the joined file as fragments of one GOP each, cut into segments, and the playlist of these.

    joined MP4 ──copy──► ftyp moov │ moof mdat │ moof mdat │ …      a GOP each
                         init.mp4    00000.m4s ◄── so many GOPs as a segment has

Nothing is encoded again, and no edit list says when picture and sound begin: players read these
differently, and would show one of the two late. So the pictures begin as late as their reordering
needs (two frames), and the sound with its encoder's lead-in that much before them.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil
from pathlib import Path

from render_job.boxes import Box, boxes
from render_job.errors import RenderFault
from render_job.recipe import start, timescale
from schemas.failures import Failure, FailureClass
from schemas.pieces import Span
from schemas.plan import OutputPlan

INIT = "init.mp4"
VERSION = 7
"""Of the playlist's language: the one that knows fragmented MP4 (RFC 8216, section 7)."""
BLOCK_BYTES = 1 << 20


def fragmented(joined: Path, out: Path, plan: OutputPlan, *, ffmpeg: str) -> list[str]:
    """The command that copies the joined file to one whose fragments are a GOP each."""
    return [
        *start(ffmpeg, 1),
        *("-protocol_whitelist", "file", "-i", f"file:{joined}", "-map", "0", "-c", "copy"),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"),
        *("-video_track_timescale", str(timescale(plan.frame_rate))),
        *("-use_editlist", "0", "-avoid_negative_ts", "make_non_negative"),
        "-movflags",
        "+frag_keyframe+delay_moov+default_base_moof+frag_discont+skip_trailer",
        *("-f", "mp4", f"file:{out}"),
    ]


def segments(plan: OutputPlan) -> Sequence[Span]:
    """The frames of each segment, in order."""
    starts = range(0, plan.frames, plan.segment_frames)
    return [Span(at, min(at + plan.segment_frames, plan.frames)) for at in starts]


def segmented(path: Path, plan: OutputPlan) -> list[Path]:
    """Cut the fragmented file into its init segment and media segments, beside it.

    Raises RenderFault (internal) where its fragments are not the planned GOPs.
    """
    with path.open("rb") as file:
        found = list(boxes(file, path.stat().st_size))
        fragments = [pair for pair in pairwise(found) if pair[0].kind == b"moof"]
        if len(fragments) != ceil(plan.frames / plan.gop):
            raise RenderFault(_unlike(plan, len(fragments)))
        written = [_copied(path, INIT, found[0], _last_before(found, fragments[0][0]))]
        for number, span in enumerate(segments(plan)):
            mine = fragments[span.start // plan.gop : ceil(span.end / plan.gop)]
            written.append(_copied(path, f"{number:05}.m4s", mine[0][0], mine[-1][1]))
    return written


def playlist(plan: OutputPlan, init: str, media: Sequence[str]) -> str:
    """What a player reads first; names as it finds them from there."""
    spans = segments(plan)
    longest = ceil(max(len(span) for span in spans) / plan.frame_rate)
    return "\n".join(
        (
            "#EXTM3U",
            f"#EXT-X-VERSION:{VERSION}",
            f"#EXT-X-TARGETDURATION:{longest}",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            f'#EXT-X-MAP:URI="{init}"',
            *_entries(plan, spans, media),
            "#EXT-X-ENDLIST",
            "",
        )
    )


def _entries(plan: OutputPlan, spans: Sequence[Span], media: Sequence[str]) -> Iterator[str]:
    for span, name in zip(spans, media, strict=True):
        yield f"#EXTINF:{float(len(span) / plan.frame_rate):.6f},"
        yield name


def _last_before(found: Sequence[Box], first: Box) -> Box:
    return next(before for before, after in pairwise(found) if after is first)


def _copied(path: Path, name: str, first: Box, last: Box) -> Path:
    """A file beside it, of the boxes from the first to the last."""
    out = path.with_name(name)
    with path.open("rb") as source, out.open("wb") as target:
        source.seek(first.start)
        left = last.end - first.start
        while left:
            block = source.read(min(left, BLOCK_BYTES))
            target.write(block)
            left -= len(block)
    return out


def _unlike(plan: OutputPlan, fragments: int) -> Failure:
    said = f"{plan.id} has {fragments} fragments, not one for each of its GOPs"
    return Failure(failure=FailureClass.INTERNAL, reason="not_segmented", message=said)
