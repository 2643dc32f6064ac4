"""Readers of all that is delivered, from the standards' text: nothing of libavformat is in them.

    box.py       ISO/IEC 14496-12: boxes, nested, each within its parent to the byte
    movie.py     one file: sample tables, edit lists, what lies in which mdat
    fragments.py an init segment and media segments: moof, traf, trun
    avc.py       ISO/IEC 14496-15 and H.264: parameter sets, and which units a sample is made of
    playlist.py  RFC 8216
    cues.py      WebVTT that shows parts of a sheet
    images.py    JPEG and PNG, read to their last byte
    loudness.py  ITU-R BS.1770-4

They are stricter than a player, which forgives: what the standard does not allow is a `Broken`.
"""


class Broken(ValueError):
    """The file is not what the standard says; the sentence says where."""
