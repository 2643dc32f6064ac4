"""From the joined, verified pictures and sound of an output to the files of its kind.

Whatever the kind, all pieces are joined and verified first, as an MP4 is. What is made of that file
is looked at once more: images are decoded and compared with its pictures, segments are read packet
by packet and compared with the pieces.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from render_job.faults import bounded, sha256_of
from render_job.ffmpeg import run
from render_job.hls import fragmented, playlist, segmented
from render_job.hls_check import hls_faults
from render_job.images import image, light_for, shade_of
from render_job.looks import look_at
from render_job.parcel import Parcel, parcel_faults, sealed
from render_job.poster import image_of, poster_faults
from render_job.studio import Part, Terms
from render_job.thumbnails import SHEET, thumbnail_faults, webvtt
from schemas.certificate import Certificate
from schemas.kinds import Image, Kind
from schemas.plan import OutputPlan


def pack(plan: OutputPlan, joined: Path, *, ffmpeg: str, terms: Terms) -> Parcel:
    """Make the files, beside `joined`. Raises what running ffmpeg raises."""
    if plan.kind is Kind.POSTER:
        kind = image_of(plan)
        out = joined.with_name(f"poster.{kind.extension}")
        _run_image(joined, out, kind, (), ffmpeg=ffmpeg, terms=terms)
        return Parcel(path=out)
    if plan.kind is Kind.HLS:
        return _segmented(plan, joined, ffmpeg=ffmpeg, terms=terms)
    if plan.kind is Kind.THUMBNAILS:
        return _laid_out(plan, joined, ffmpeg=ffmpeg, terms=terms)
    return Parcel(path=joined)


def _segmented(plan: OutputPlan, joined: Path, *, ffmpeg: str, terms: Terms) -> Parcel:
    """Of the output, room is needed for its pieces and two files more, as for the joining itself.

    So the joined file goes once it was copied: segments are compared with the pieces.
    """
    whole = joined.with_name("fragments.mp4")
    words = fragmented(joined, whole, plan, ffmpeg=ffmpeg)
    run(words, limit=terms.limit, on_progress=terms.heard, stop=terms.stop)
    joined.unlink()
    files = segmented(whole, plan)
    whole.unlink()
    beside = sealed(files, plan, heard=lambda: terms.heard(0))
    init, *media, _ = (one.name for one in beside)
    out = joined.with_name("playlist.m3u8")
    out.write_text(playlist(plan, init, media), encoding="ascii")
    return Parcel(path=out, beside=beside)


def _laid_out(plan: OutputPlan, joined: Path, *, ffmpeg: str, terms: Terms) -> Parcel:
    sheet, layout = joined.with_name(SHEET), (f"tile={plan.columns}x{plan.rows}",)
    _run_image(joined, sheet, Image.JPEG, layout, ffmpeg=ffmpeg, terms=terms)
    beside = sealed([sheet], plan)
    out = joined.with_name("thumbnails.vtt")
    out.write_text(webvtt(plan, beside[0].name), encoding="ascii")
    return Parcel(path=out, beside=beside)


def _run_image(
    joined: Path, out: Path, kind: Image, layout: Sequence[str], *, ffmpeg: str, terms: Terms
) -> None:
    shade = shade_of(look_at(joined))
    light = light_for(shade, joined.parent)
    words = image(joined, out, kind, shade, ffmpeg=ffmpeg, layout=layout, light=light)
    reads = () if light is None else (light,)
    run(words, limit=terms.limit, on_progress=terms.heard, stop=terms.stop, reads=reads)


def verify_parcel(
    parcel: Parcel,
    plan: OutputPlan,
    joined: Path,
    certificate: Certificate,
    pieces: Sequence[Part],
    sound: Part | None,
    *,
    heard: Callable[[], None],
) -> Certificate:
    """The certificate of the announced file, from that of the joined one."""
    if plan.kind is Kind.MP4:
        return certificate
    faults = list(certificate.faults)
    if plan.kind is Kind.POSTER:
        faults += poster_faults(parcel.path, joined, plan, heard=heard)
    if plan.kind is Kind.THUMBNAILS:
        faults += thumbnail_faults(parcel, joined, plan, heard=heard)
    if plan.kind is Kind.HLS:
        faults += hls_faults(parcel, plan, pieces, sound, heard=heard)
    faults += parcel_faults(parcel, heard=heard)
    return replace(
        certificate,
        kind=plan.kind,
        size_bytes=parcel.path.stat().st_size,
        sha256=sha256_of(parcel.path, heard),
        companions=parcel.companions,
        faults=bounded(faults),
    )
