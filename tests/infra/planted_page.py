"""`docs/planted.md`: what is planted into the configuration and the flow map, and what finds it.

    python -m tests.infra.planted_page      writes it

The lists are those that the tests plant; which of them is found by what, the tests say as well.
"""

from collections.abc import Iterable

from tests.infra.faults import FAULTS
from tests.infra.planted_drifts import DRIFTS
from tests.infra.terraform import ROOT

PAGE = ROOT / "docs" / "planted.md"
HEAD = """\
# What is planted, and found

Written by `python -m tests.infra.planted_page` from the lists that the tests plant. Each fault is
found by `terraform validate` or by the policy that is named (`tests/infra/policies`), each drift by
a sentence of the check of the flow map (`tests/infra/flow_map.py`). `python -m tests.infra.planted`
and `python -m tests.infra.planted_drifts` plant them one by one and say what else finds them.
"""


def page() -> str:
    """The whole page, as Markdown."""
    faults = ((one.what, f"`{one.file}`", f"`{one.found_by}`") for one in FAULTS)
    drifts = ((one.what, one.where, f"… {one.words} …") for one in DRIFTS)
    return "\n".join(
        (
            HEAD,
            f"## {len(FAULTS)} faults in `infra/gcp`: `tests/infra/test_faults.py`\n",
            _table(("planted", "in", "found by"), faults),
            f"## {len(DRIFTS)} drifts from the map of flows: `tests/infra/test_flow_map.py`\n",
            _table(("planted", "in", "found in the sentence"), drifts),
        )
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    table = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in table)


if __name__ == "__main__":
    PAGE.write_text(page())
