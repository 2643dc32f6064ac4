"""How much memory one task needs at its peak, as far as a plan tells: known before it starts.

    making    ffmpeg's pictures, of the source and of the output, what x264 looks ahead, and the
              upload's index
    joining   what muxer and demuxers keep of every packet: a long output needs more
    own       the task itself, which waits for ffmpeg meanwhile

The numbers are measured (`make bench-memory`, docs/performance.md) and rounded up, for libx264 with
one thread. h264_nvenc keeps its pictures on the GPU and is reckoned alike, which is too much: it
was not run.
"""

from schemas.media import Media
from schemas.plan import AudioPlan, OutputPlan

MIB = 2**20
MEGAPIXEL = 10**6
FFMPEG_BYTES = 55 * MIB
"""Without any picture."""
SOURCE_BYTES_A_PIXEL = 16 * MIB / MEGAPIXEL
"""About ten decoded pictures of a byte and a half a pixel; twice of more than 8 bits."""
DEEP = ("10le", "10be", "12le", "12be", "16le", "16be")
"""How pixel formats end that have more than a byte a sample."""
AHEAD_BYTES_A_PIXEL = {
    "ultrafast": 20 * MIB / MEGAPIXEL,
    "veryfast": 76 * MIB / MEGAPIXEL,
    "medium": 176 * MIB / MEGAPIXEL,
}
"""Of the output, by x264's preset: 0, 10 and 40 pictures of lookahead, and those referred to."""
BYTES_A_PACKET = 160
"""Of the joined file: ffmpeg's muxer has 130 to 150, the demuxer of who looks at it 82."""
SOURCE_BYTES_A_PACKET = 80
"""Of the upload: what ffmpeg's demuxer has of an MP4's index, where it was 66."""
AAC_FRAME_SAMPLES = 1024
OWN_BYTES = 128 * MIB
"""Of the task itself: Python, PyAV and a client of the stores."""


def making_bytes(output: OutputPlan, media: Media) -> int:
    """Of one ffmpeg that makes any piece of the output, whose length makes no difference."""
    source = media.video
    decoded = source.width * source.height * SOURCE_BYTES_A_PIXEL
    if source.pixel_format.endswith(DEEP):
        decoded *= 2
    ahead = AHEAD_BYTES_A_PIXEL.get(output.preset, max(AHEAD_BYTES_A_PIXEL.values()))
    index = SOURCE_BYTES_A_PACKET * _packets(media)
    return round(FFMPEG_BYTES + index + decoded + output.width * output.height * ahead)


def joining_bytes(output: OutputPlan, audio: AudioPlan | None) -> int:
    """Of the ffmpeg that joins an output: it is the larger for each packet of the file."""
    sounds = audio.samples // AAC_FRAME_SAMPLES if audio else 0
    return FFMPEG_BYTES + BYTES_A_PACKET * (output.frames + sounds)


def _packets(media: Media) -> int:
    """Of the upload: its pictures, and frames of sound as AAC has them."""
    sounds = (
        media.video.duration * media.audio.sample_rate / AAC_FRAME_SAMPLES if media.audio else 0
    )
    return media.video.frames + round(sounds)
