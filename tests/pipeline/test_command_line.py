"""`clipline`, run as people and programs run it: over a laptop's state, without its pipeline."""

import csv
import json
import os
import pty
import re
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from functions.adapters.sqlite_dead_letters import SqliteDeadLetters
from functions.adapters.sqlite_renders import SqliteRenders
from functions.core.render import State
from functions.settings import Laptop
from infra.laptop.subscriptions import subscriptions
from schemas import examples, publish
from schemas.dead_letters import DeadLetterRecord
from schemas.failures import Failure, FailureClass
from schemas.topics import Topic
from schemas.wire import Message, from_json
from tests.pipeline.desk import ALL, CAUSE, CLIPLINE, KILLED, NOW, Place, failed, letter


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(Laptop(home=tmp_path / "home"))
    made.bus.declare(subscriptions())
    return made


def read(terminal: int) -> bytes:
    """What comes next; nothing once nobody can write any more."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def test_of_one_cause_there_is_one_group_and_its_next_command(place: Place) -> None:
    for number in range(3):
        place.bus.publish(Topic.RENDER_DEAD_LETTER, letter(f"r-{number}"))
    place.bus.publish_message("on-result-undeliverable", Message(attributes={}, data=b"\xff"))
    said = place.said("dead-letters")
    head = next(number for number, line in enumerate(said) if line.split()[0] == "3")
    assert said[head].split()[1] == "crash"
    # Of this process's beginning, which may be long ago by now.
    ages = re.search(r"last (\d+) min ago, first (\d+) min ago", said[head])
    assert ages is not None
    assert int(ages[1]) == int(ages[2]) >= 3
    assert "laptop/cpu" in said[head]
    assert said[head].endswith(CAUSE)
    assert said[head + 1].strip() == examples.KILLED.message
    assert said[head + 2].strip() == examples.KILLED.advice
    assert said[-1] == "4 dead letters."
    assert said[head + 3].strip() == f"clipline replay plan --fingerprint {CAUSE}"
    group = json.loads(place.said("dead-letters", "--json", "--class", "crash")[0])
    record = place.said("show", group["example"], "--json")[0]
    assert from_json(record.encode(), DeadLetterRecord).failure == examples.KILLED


def test_json_is_what_the_published_schemas_say_one_object_a_line(place: Place) -> None:
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-1"))
    place.bus.publish_message("on-result-undeliverable", Message(attributes={}, data=b"\xff\n"))
    for words, name in (
        (("--json",), "clipline.dead-letter-group.v1"),
        (("--each", "--json"), "clipline.dead-letter-record.v1"),
    ):
        schema = json.loads((publish.ROOT / publish.JSON / f"{name}.schema.json").read_text())
        lines = place.said("dead-letters", *words)
        assert len(lines) == 2
        for line in lines:
            Draft202012Validator(schema).validate(json.loads(line))
    assert place.said("dead-letters", "--json", "--text", "nothing of the kind") == []


def test_the_filters_choose(place: Place) -> None:
    oom = Failure(failure=FailureClass.OUT_OF_MEMORY, reason="oom", message="8 GB were too few")
    old = NOW - timedelta(days=2)
    changed = {"failure": oom, "fingerprint": oom.fingerprint, "tenant": "ben", "at": old}
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-1"))
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-2", attempts=(), **changed))

    def renders(*words: str) -> set[str]:
        lines = place.said("dead-letters", "--each", "--json", *words)
        return {json.loads(line)["render"] for line in lines}

    assert renders() == {"r-1", "r-2"}
    assert renders("--class", "out_of_memory") == {"r-2"}
    assert renders("--age", "1d") == {"r-1"}
    assert renders("--age", "1w") == {"r-1", "r-2"}
    assert renders("--lane", "laptop/cpu") == {"r-1"}
    assert renders("--tenant", "ben") == {"r-2"}
    assert renders("--fingerprint", oom.fingerprint[:6]) == {"r-2"}
    assert renders("--text", "SIGNAL 9") == {"r-1"}
    assert renders("--tenant", "ben", "--age", "1d") == set()


def test_many_are_disposed_of_by_filters_or_once_their_renders_are_done(place: Place) -> None:
    renders = SqliteRenders(place.home.renders)
    for number in range(4):
        id = f"r-{number}"
        state = State.DONE if number == 0 else State.FAILED
        renders.save(replace(failed(id), state=state), version=0)
        tenant = "ben" if number == 3 else "acme"
        place.bus.publish(Topic.RENDER_DEAD_LETTER, letter(id, tenant=tenant))
    bare = place.clipline("dispose", "--reason", "x")
    assert (bare.returncode, bare.stdout) == (4, "")
    assert place.clipline("dispose", "r-1", "--done", "--reason", "x").returncode == 2
    assert place.said("dispose", "--done", "--reason", "x")[0] == "Disposed of 1 dead letter."
    assert place.said("dispose", "--tenant", "acme", "--reason", "x")[0] == (
        "Disposed of 2 dead letters."
    )
    (left,) = place.said("dead-letters", "--each", "--json")
    assert json.loads(left)["render"] == "r-3"


def test_what_is_disposed_of_is_gone_until_it_is_taken_back(place: Place) -> None:
    for number in range(2):
        place.bus.publish(Topic.RENDER_DEAD_LETTER, letter(f"r-{number}"))
    _, said = place.said("dispose", "r-1", "--reason", "a test upload", "--by", "ana")
    assert place.said("dead-letters")[-1] == "1 dead letter."
    assert place.clipline("dispose", "r-1", "--reason", "again").returncode == 3
    place.said(*said.split("clipline ")[1].split())
    assert place.said("dead-letters")[-1] == "2 dead letters."
    assert place.clipline("restore", "d-nothing").returncode == 4
    kind = "clipline.acknowledgement.v1"
    (one,) = place.told(kind, "dispose", "r-1", "--reason", "a test upload")
    assert (one["deed"], one["count"], one["next"]) == (
        "dispose",
        1,
        f"clipline restore {one['id']}",
    )
    (back,) = place.told(kind, *one["next"].split()[1:])
    assert (back["deed"], back["id"]) == ("restore", one["id"])
    (many,) = place.told(kind, "dispose", "--class", "crash", "--reason", "test uploads")
    assert (many["id"], many["count"]) == (None, 2)


def test_renders_are_found_by_state_class_and_age(place: Place) -> None:
    SqliteRenders(place.home.renders).save(failed("r-7f"), version=0)
    assert len(place.said("renders", "--state", "failed", "--class", "crash", "--age", "1h")) == 2
    for words in (("--state", "done"), ("--class", "input"), ("--tenant", "no"), ("--age", "1s")):
        assert place.said("renders", *words) == ["No renders."]


def test_renders_are_told_to_programs_as_to_people(place: Place) -> None:
    kind = "clipline.render-line.v1"
    place.home.state.mkdir(parents=True, exist_ok=True)
    assert place.told(kind, "renders") == []
    SqliteRenders(place.home.renders).save(failed("r-7f"), version=0)
    (one,) = place.told(kind, "renders", "--state", "failed")
    assert (one["id"], one["state"], one["frames"]) == ("r-7f", "failed", 480)
    assert one["frames_planned"] is None
    assert one["failure"]["message"] == KILLED.message
    assert place.told(kind, "renders", "--state", "done") == []


def test_what_is_left_out_is_said(place: Place) -> None:
    for number in range(5):
        place.bus.publish(Topic.RENDER_DEAD_LETTER, letter(f"r-{number}"))
    assert place.said("dead-letters", "--each", "--limit", "2")[-1].startswith("2 of 5")
    assert place.said("dead-letters", "--tenant", "nobody") == ["No dead letters."]


def test_the_first_20_lines_hold_what_is_wanted_first(place: Place) -> None:
    SqliteRenders(place.home.renders).save(failed("r-7f"), version=0)
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-7f", failure=KILLED))
    said = place.said("show", "r-7f")
    top = "\n".join(said[:20])
    for part in ("crash: ", KILLED.message, KILLED.advice, "ffmpeg says 39", "next     clipline"):
        assert part in top
    moments = [line.split()[0] for line in said if line.lstrip().startswith("+")]
    assert len(moments) == 1 + 3 * 3
    place.said("dead-letters")
    (last,) = (line for line in place.said("show", "r-7f") if "dead letter 1" in line)
    assert last.split()[0] == "+1:00"
    assert said[-1].strip() == "ffmpeg says 39"


def test_a_dead_letter_says_where_its_logs_are(place: Place) -> None:
    renders = SqliteRenders(place.home.renders)
    renders.save(failed("r-7f"), version=0)
    renders.save(replace(failed("r-8a"), attempts=()), version=0)
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-7f"))
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-8a", attempts=()))
    files = f"{place.home.logs}/r-7f-*.log"
    kind = "clipline.dead-letter-record.v1"
    assert f"logs     {files}" in place.said("show", "r-7f")
    (record,) = place.told(kind, "show", "r-7f")
    assert record["logs"] == files
    assert not any(line.startswith("logs ") for line in place.said("show", "r-8a"))
    each = {one["render"]: one["logs"] for one in place.told(kind, "dead-letters", "--each")}
    assert each == {"r-7f": files, "r-8a": None}
    *_, exported, _ = place.said("export", "--class", "crash", "--stdout")
    assert json.loads(exported)["logs"] is None


def test_a_dead_letters_id_tells_its_renders_story_and_a_messages_its_own(place: Place) -> None:
    SqliteRenders(place.home.renders).save(failed("r-7f"), version=0)
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-7f"))
    wild = {"note": "\x1b[31mred\nline"}
    place.bus.publish_message("on-result-undeliverable", Message(attributes=wild, data=b"\xff"))
    place.said("dead-letters")
    kept = {one.render: one.id for one in SqliteDeadLetters(place.home.dead_letters).find(ALL)}
    assert place.said("show", kept["r-7f"]) == place.said("show", "r-7f")
    said = place.said("show", kept[None][:8])
    assert "internal: on-result was sent what is no event of ours" in said[1]
    assert "\x1b" not in "".join(said)
    told = json.loads(place.said("show", kept[None], "--json")[0])
    assert told["original"]["attributes"] == wild
    assert told["original"]["data"] == "/w=="


def test_what_is_not_there_or_not_clear_is_said_with_a_status(place: Place, tmp_path: Path) -> None:
    for number in (1, 2):
        place.bus.publish(Topic.RENDER_DEAD_LETTER, letter(f"r-{number}"))
    place.said("dead-letters")
    for words, status in (
        (("show", "d-"), 3),
        (("show", "d-zz"), 3),
        (("show", "r-zz"), 3),
        (("dead-letters", "--age", "soon"), 2),
        (("dead-letters", "--class", "bad"), 2),
    ):
        done = place.clipline(*words)
        assert (done.returncode, done.stdout) == (status, ""), words
        assert done.stderr
        assert "Traceback" not in done.stderr
    nowhere = Place(Laptop(home=tmp_path / "nowhere"))
    assert nowhere.clipline("dead-letters").returncode == 2
    assert not nowhere.home.home.exists()


def test_only_a_terminal_is_coloured(place: Place) -> None:
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-1"))
    piped = place.said("dead-letters")
    assert "\x1b" not in "".join(piped)
    ours, theirs = pty.openpty()
    with subprocess.Popen([*CLIPLINE, "dead-letters"], stdout=theirs, **place.around()) as process:
        os.close(theirs)
        seen = b""
        while chunk := read(ours):
            seen += chunk
    os.close(ours)
    assert process.returncode == 0
    assert b"\x1b[1;31mcrash" in seen


def test_a_reader_that_goes_away_ends_it_quietly(place: Place) -> None:
    letters = SqliteDeadLetters(place.home.dead_letters)
    many = [replace(examples.RECORDS[0], id=f"d-{number:08}") for number in range(3000)]
    letters.keep(many)
    for words in (("--json",), ()):
        with subprocess.Popen(
            [*CLIPLINE, "dead-letters", "--each", "--limit", "3000", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **place.around(),
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.readline()
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 141


def test_a_reader_that_never_was_ends_it_quietly(place: Place) -> None:
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-1"))
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [*CLIPLINE, "dead-letters", "--json"],
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
        **place.around(),
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_is_a_sentence(place: Place) -> None:
    place.bus.publish(Topic.RENDER_DEAD_LETTER, letter("r-1"))
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*CLIPLINE, "dead-letters", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            **place.around(),
        )
    assert done.returncode == 74
    assert done.stderr.splitlines() == ["[Errno 28] No space left on device."]


def test_costs_are_told_apart_as_asked_and_add_up_to_the_renders(
    place: Place, tmp_path: Path
) -> None:
    store = SqliteRenders(place.home.renders)
    wanted = 0
    for number in range(450):
        plain = failed(f"r-{number:020}")
        spent = tuple(replace(one, nanodollars=number * 1000 + 7) for one in plain.attempts)
        made = NOW - timedelta(minutes=number // 300)
        upload = replace(plain.upload, name=f"{'ana' if number % 3 else 'ben'}/{number}.mp4")
        store.save(replace(plain, attempts=spent, created_at=made, upload=upload), version=0)
        wanted += sum(one.nanodollars for one in spent)
    lines = [json.loads(line) for line in place.said("costs", "--json")]
    assert sum(line["nanodollars"] for line in lines) == wanted
    assert {line["tenant"] for line in lines} == {"ana", "ben"}
    rows = list(csv.DictReader(place.said("costs", "--csv", "--by", "lane")))
    assert [(one["lane"], one["tenant"], int(one["nanodollars"])) for one in rows] == [
        ("laptop/cpu", "", wanted)
    ]
    ana = [json.loads(line) for line in place.said("costs", "--json", "--tenant", "ana")]
    assert sum(line["nanodollars"] for line in ana) == sum(
        line["nanodollars"] for line in lines if line["tenant"] == "ana"
    )
    month = f"{NOW - timedelta(minutes=4):%Y-%m}"
    said = place.said("costs", "--by", "cause", "--month", month)
    assert said[0].split() == ["CAUSE", "HOURS", "COST"]
    assert said[-1].startswith("All: ")
    assert place.said("costs", "--month", "2001-01") == ["No attempt has ended."]
    odd = place.clipline("costs", "--month", "yesterday")
    assert (odd.returncode, "no month such as 2026-11" in odd.stderr) == (2, True)
