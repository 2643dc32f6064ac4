"""What task runs cost, and what for: both sides are equal, and a wrong entry is found."""

from collections.abc import Callable

import pytest

from infra.simulator.books import Books, micros
from infra.simulator.cause import Cause, Unit
from infra.simulator.course import Course
from infra.simulator.faults import Fate
from infra.simulator.fleet import GPU
from infra.simulator.history import Recipe, live
from infra.simulator.memory_objects import MemoryObjects
from infra.simulator.memory_renders import MemoryRenders
from infra.simulator.scenario import Deed, Scenario
from infra.simulator.tally import Tally
from infra.simulator.world import DAWN, Doing, Process, World
from render_job.errors import Exit
from schemas.plan import Order

UPLOAD = Scenario(deeds=(Deed(at=1.0, verb="upload", name="a.mp4", seconds=120),))
HISTORIES = 40


def test_every_second_of_many_histories_has_its_cause() -> None:
    tally = Tally()
    for number in range(HISTORIES):
        outcome = live(Course(seed="books").recipe(number))
        assert not outcome.violations
        tally.add(number, outcome)
    causes = {cause for cause, _ in tally.spent}
    assert causes <= set(Cause)
    assert {Cause.DELIVERED, Cause.CALLS, Cause.WAITING, Cause.CRASHED} <= causes
    assert min(tally.spent.values()) >= 0


def test_without_a_fault_nothing_is_wasted() -> None:
    counts = live(Recipe(seed="calm", scenario=UPLOAD, odds={})).counts
    assert {cause for cause, _ in counts.spent} <= {Cause.DELIVERED, Cause.CALLS, Cause.WAITING}
    assert counts.video == 120_000_000


PRICE = 290_700


def _order() -> Order:
    return Order(
        render="r",
        attempt=1,
        lane="lane",
        encoder_class=GPU,
        tasks=1,
        deadline=DAWN,
    )


def _lived(main: Callable[[Books, Process], object]) -> Books:
    """The books of a world in which one task runs, and nothing else."""
    world = World(Fate(seed="books", odds={}))
    uploads, work, outputs = (MemoryObjects(name, world.now) for name in ("u", "w", "o"))
    books = Books(world=world, uploads=uploads, work=work, outputs=outputs, renders=MemoryRenders())

    def task(process: Process) -> object:
        books.container_began(process)
        books.begin(process, _order(), "e", PRICE)
        return main(books, process)

    def ended(process: Process, result: object) -> None:
        books.container_ended(process, _order(), PRICE)
        books.end(process, result)

    world.start("task", task, after=1 / 3, then=ended)
    world.run(1000)
    world.close()
    return books


def _work(books: Books, process: Process) -> None:
    process.wait(0.1)
    process.wait(2 / 7, Doing.RESTING)
    books.starts(process, Unit(prefix="pieces/"))
    process.wait(1 / 7, Doing.WORKING)
    books.committed(process, "pieces/1", 1)


def test_the_bill_is_the_sum_of_the_causes_to_the_microsecond() -> None:
    books = _lived(_work)
    causes = books.settle()
    assert not [*books.unbalanced(causes), *books.unexplained()]
    bill = books.billed["r", 1]
    assert bill["micros"] == micros(1 / 3 + 0.1 + 2 / 7 + 1 / 7) - micros(1 / 3)
    assert bill["femtos"] == bill["micros"] * PRICE


@pytest.mark.parametrize("wrong", [1, -1])
def test_a_wrong_entry_of_a_microsecond_is_found(wrong: int) -> None:
    books = _lived(_work)
    books.runs["task"].spent[Cause.WAITING] += wrong
    seen = list(books.unbalanced(books.settle()))
    assert len(seen) == 2
    assert seen[0].startswith("all attempts: billed ")
    assert seen[1].startswith("r, attempt 1: billed ")


def test_a_wrong_price_is_found() -> None:
    books = _lived(_work)
    books.runs["task"].price += 1
    assert list(books.unbalanced(books.settle()))


def test_a_wait_that_nobody_measured_is_found() -> None:
    def asleep(books: Books, process: Process) -> None:
        process.meter = None
        process.wait(1.0)

    books = _lived(asleep)
    assert list(books.unbalanced(books.settle()))


def test_a_death_without_a_cause_is_found() -> None:
    def killed(books: Books, process: Process) -> None:
        process.world.later(0.5, lambda: process.kill(""))
        process.wait(1.0)

    assert list(_lived(killed).unexplained()) == ["0.500 s of task"]


def test_what_a_death_leaves_open_is_lost_to_whoever_killed_it() -> None:
    def killed(books: Books, process: Process) -> None:
        books.starts(process, Unit(prefix="pieces/"))
        process.world.later(0.5, lambda: process.kill(Cause.PREEMPTED))
        process.wait(1.0, Doing.WORKING)

    books = _lived(killed)
    assert books.runs["task"].spent == {Cause.PREEMPTED: 500_000}
    assert not list(books.unbalanced(books.settle()))


def test_what_is_left_between_two_pieces_of_work_is_lost_to_the_notice() -> None:
    def leaves(books: Books, process: Process) -> Exit:
        books.starts(process, Unit(prefix="outputs/"))
        process.wait(0.5, Doing.WORKING)
        books.noticed(process, Cause.WITH_NOTICE)
        return Exit.TRY_AGAIN

    books = _lived(leaves)
    assert books.runs["task"].spent == {Cause.WITH_NOTICE: 500_000}
    assert not list(books.unexplained())


def test_an_output_that_was_joined_and_whose_claim_was_lost_in_a_freeze_is_explained() -> None:
    """Its stitcher slept until another had taken over, and went on with something else."""
    outcome = live(Course(seed="mutants").recipe(201))
    assert not outcome.violations


def test_who_has_the_claim_again_that_was_lost_in_a_freeze_is_explained() -> None:
    """Another had taken over, and died at it; the sleeper joined the output once more."""
    outcome = live(Course(seed="mutants").recipe(541))
    assert not outcome.violations
