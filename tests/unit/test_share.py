"""Whose turn it is: by weight and by what was had of late, and nobody waits for ever."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.core.entries import Entry, Outcome
from functions.core.share import WEIGHTS, WINDOW, Line, account, first, line_name, line_of, used
from functions.core.tenants import FolderDefault, Tenant, default_of, priority_of
from schemas.priority import Priority
from tests.unit.makers import NOW, seconds, upload

LIVE, NORMAL, BACKGROUND = Priority
MINUTE = 60.0


def line(
    tenant: str = "acme",
    priority: Priority = NORMAL,
    *,
    since: float = 0,
    avoids: tuple[str, ...] = (),
) -> Line:
    return line_of(line_name(tenant, priority, avoids), NOW + seconds(since), {})


def entry(outcome: Outcome, at: float, *, ran: float = 0, **changes: object) -> Entry:
    plain = Entry(
        lane="cloud-run/a/l4",
        render="r-1",
        attempt=1,
        outcome=outcome,
        launched_at=NOW,
        at=NOW + seconds(at),
        ran=seconds(ran),
        account="acme/normal",
        tasks=2,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name


def test_of_two_that_had_nothing_the_one_that_waits_longer_goes_first() -> None:
    old, young = line("zeta", since=1), line("acme", since=2)
    assert first([young, old], {}) is old
    assert first([], {}) is None


def test_a_tenant_with_a_thousand_uploads_does_not_stand_before_one_with_three() -> None:
    many, few = line("many", since=0), line("few", since=100)
    assert first([many, few], {"many/normal": MINUTE}) is few


def test_a_live_clip_overtakes_a_back_catalogue() -> None:
    old, clip = line("acme", BACKGROUND, since=-9999), line("acme", LIVE)
    had = {"acme/background": MINUTE, "acme/live": 15 * MINUTE}
    assert first([old, clip], had) is clip
    assert first([old, clip], had | {"acme/live": 17 * MINUTE}) is old


def test_a_line_says_which_lanes_it_waits_for() -> None:
    one = line(avoids=("us/a", "us/b"))
    assert not one.takes("us/a")
    assert one.takes("eu/a")
    assert (one.tenant, one.priority, one.account) == ("acme", NORMAL, "acme/normal")
    weighed = line_of(one.name, NOW, {"acme": Tenant(weight=3)})
    assert weighed.weight == 3 * WEIGHTS[NORMAL]


def test_what_is_had_is_counted_by_machine_and_only_within_the_window() -> None:
    def had(*entries: Entry, now: float = 0) -> dict[str, float]:
        return used(entries, NOW + seconds(now))

    hour = WINDOW.total_seconds()
    assert had(entry(Outcome.LAUNCHED, 0), now=5) == {"acme/normal": 2 * MINUTE}
    started = entry(Outcome.STARTED, 10)
    assert had(entry(Outcome.LAUNCHED, 0), started, now=310) == {"acme/normal": 2 * 300}
    assert had(started, now=10 + 2 * hour) == {"acme/normal": 2 * hour}
    ended = entry(Outcome.PREEMPTED, 610, ran=600)
    assert had(started, ended, ended, now=700) == {"acme/normal": 2 * 600}
    assert had(started, ended, now=310 + hour) == {"acme/normal": 2 * 300}
    assert had(started, ended, now=610 + hour) == {}
    assert had(entry(Outcome.LAUNCHED, 0), entry(Outcome.REFUSED, 1), now=2) == {}
    assert had(entry(Outcome.STARTED, 0, account=""), now=100) == {}, "of an earlier version"


@given(
    lines=st.lists(
        st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(Priority)),
        min_size=2,
        max_size=10,
        unique=True,
    ),
    every=st.integers(30, 300),
    ran=st.integers(1, 3000),
    before=st.lists(
        st.tuples(st.integers(0, 9), st.integers(-7200, 0), st.integers(0, 6000)), max_size=20
    ),
)
@settings(max_examples=40, deadline=None)
def test_no_line_waits_longer_than_the_window_and_a_launch_of_each_other_line(
    lines: list[tuple[str, Priority]],
    every: int,
    ran: int,
    before: list[tuple[int, int, int]],
) -> None:
    """Every line is never empty, and a place comes free every so many seconds."""
    waiting = {
        account(tenant, priority): line(tenant, priority, since=number)
        for number, (tenant, priority) in enumerate(lines)
    }
    names = list(waiting)
    entries = [
        _ended(names[who % len(names)], f"b-{number}", NOW + seconds(at), length)
        for number, (who, at, length) in enumerate(before)
    ]
    last = dict.fromkeys(names, NOW)
    for number in range(int(1.5 * WINDOW.total_seconds()) // every + 3 * len(lines)):
        now = NOW + seconds(number * every)
        entries = [one for one in entries if one.at > now - WINDOW]
        chosen = first(waiting.values(), used(entries, now))
        assert chosen is not None
        longest = WINDOW + seconds(ran) + len(lines) * seconds(every)
        assert all(now - since <= longest for since in last.values())
        last[chosen.account] = now
        waiting[chosen.account] = replace(chosen, since=now)
        entries.append(_ended(chosen.account, f"r-{number}", now + seconds(ran), ran))


def _ended(account: str, render: str, at: datetime, ran: float) -> Entry:
    plain = entry(Outcome.FINISHED, 0, ran=ran, account=account, render=render)
    return replace(plain, at=at)


@pytest.mark.parametrize(
    ("asked", "ceiling", "granted"),
    [
        (LIVE, NORMAL, NORMAL),
        (LIVE, LIVE, LIVE),
        (BACKGROUND, NORMAL, BACKGROUND),
        (NORMAL, BACKGROUND, BACKGROUND),
    ],
)
def test_an_upload_is_not_trusted_beyond_its_tenants_ceiling(
    asked: Priority, ceiling: Priority, granted: Priority
) -> None:
    tenants = {"acme": Tenant(ceiling=ceiling, priority=LIVE)}
    assert priority_of(upload(), asked, tenants) is granted


def test_what_asks_for_nothing_has_its_folders_priority_or_its_tenants() -> None:
    folders = {"acme/": NORMAL, "acme/trip/": BACKGROUND}
    tenants = {"acme": Tenant(priority=LIVE, folders=folders), "zeta": Tenant(priority=LIVE)}
    assert priority_of(upload(), None, tenants) is BACKGROUND
    assert priority_of(upload(name="acme/x.mp4"), None, tenants) is NORMAL
    assert priority_of(upload(name="zeta/x.mp4"), None, tenants) is LIVE
    assert priority_of(upload(name="else/x.mp4"), None, tenants) is NORMAL


def test_an_upload_has_the_default_of_the_longest_folder_that_it_lies_in() -> None:
    folders = {
        "acme/": FolderDefault(spec='{"outputs": [{"height": 90}]}', await_sidecar_seconds=60),
        "acme/trip/": FolderDefault(await_sidecar_seconds=600),
        "acme/trip/raw/": FolderDefault(),
    }
    tenants = {"acme": Tenant(defaults=folders)}
    for name, folder in (
        ("acme/x.mp4", "acme/"),
        ("acme/trip.mp4", "acme/"),
        ("acme/trip/x.mp4", "acme/trip/"),
        ("acme/trip/raw.mp4", "acme/trip/"),
        ("acme/trip/raw/a/x.mp4", "acme/trip/raw/"),
    ):
        assert default_of(name, tenants) == folders[folder], name
    for name in ("acme.mp4", "zeta/x.mp4", "zeta/acme/x.mp4"):
        assert default_of(name, tenants) == FolderDefault(), name
