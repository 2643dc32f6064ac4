from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import Upload, digest, render_id, short
from tests.unit.makers import UPLOAD

uploads = st.builds(
    Upload,
    bucket=st.text(max_size=6),
    name=st.text(max_size=6),
    generation=st.integers(0, 40),
    revision=st.integers(0, 40),
)


def test_a_render_keeps_its_id_for_ever() -> None:
    assert render_id(UPLOAD) == "r-341edf632434ddef0815"


@pytest.mark.parametrize(
    "change",
    [{"bucket": "other"}, {"name": "acme/trip/beach.mov"}, {"generation": 1}, {"revision": 1}],
)
def test_every_part_of_an_upload_tells_renders_apart(change: dict[str, Any]) -> None:
    assert render_id(replace(UPLOAD, **change)) != render_id(UPLOAD)


@given(uploads, uploads)
def test_renders_have_one_id_exactly_when_they_are_of_one_upload(one: Upload, two: Upload) -> None:
    assert (render_id(one) == render_id(two)) == (one == two)


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_no_two_lists_of_parts_share_a_digest(one: list[str], two: list[str]) -> None:
    assert (digest(*one) == digest(*two)) == (one == two)


def test_parts_that_read_alike_when_joined_differ() -> None:
    assert len({digest("ab", "c"), digest("a", "bc"), digest("abc"), digest("abc", "")}) == 4


def test_a_short_id_is_what_a_person_can_say() -> None:
    assert short("r-7f3a0123456789abcdef") == "r-7f3a"


@pytest.mark.parametrize(
    ("name", "tenant", "stem"),
    [
        ("clip.mp4", "default", "clip"),
        ("acme/clip.mp4", "acme", "clip"),
        ("acme/trip/beach.mp4", "acme", "trip/beach"),
        ("acme/a.b/c.d.mp4", "acme", "a.b/c.d"),
        ("acme/v1.2/clip", "acme", "v1.2/clip"),
        ("acme/.mp4", "acme", ".mp4"),
        ("/clip.mp4", "default", "clip"),
        ("räume/küche.mp4", "räume", "küche"),
    ],
)
def test_an_object_name_says_whose_it_is_and_what_it_is_called(
    name: str, tenant: str, stem: str
) -> None:
    upload = replace(UPLOAD, name=name)
    assert (upload.tenant, upload.stem) == (tenant, stem)


def test_a_newer_generation_or_a_later_sidecar_is_newer() -> None:
    ages = [
        replace(UPLOAD, generation=generation, revision=revision).age_key
        for generation, revision in ((1, 0), (1, 5), (1, 6), (2, 0), (10, 0))
    ]
    assert ages == sorted(ages)
