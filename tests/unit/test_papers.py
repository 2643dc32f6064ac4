import re
from pathlib import Path

import pytest

from infra import papers

ROOT = Path(__file__).parents[2]
PAPERS = sorted([ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/**/*.md")])
TOP = {"docs", "functions", "infra", "ops", "render_job", "schemas", "tests"}


def _quoted(paper: Path) -> list[str]:
    return re.findall(r"`([^`\s]+)`", paper.read_text())


@pytest.mark.parametrize("paper", PAPERS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_and_file_that_a_paper_names_is_there(paper: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", paper.read_text())
    assert [link for link in links if not (paper.parent / link).exists()] == []
    files = [q for q in _quoted(paper) if q.split("/")[0] in TOP and "/" in q]
    assert [file for file in files if not (ROOT / file).exists()] == []


def test_every_promise_has_a_test_in_the_file_it_names() -> None:
    rows = [r for r in (ROOT / "ARCHITECTURE.md").read_text().splitlines() if "`test_" in r]
    assert rows
    for row in rows:
        tests = re.findall(r"`(test_\w+)`", row)
        (file,) = re.findall(r"`(tests/\S+\.py)`", row)
        text = (ROOT / file).read_text()
        assert [test for test in tests if f"def {test}(" not in text] == [], file


def test_the_index_of_decisions_is_whole() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text()
    decisions = [path.name for path in ROOT.glob("docs/decisions/0*.md")]
    assert decisions
    assert [name for name in decisions if f"({name})" not in index] == []


def test_no_page_that_is_drawn_from_the_code_has_drifted(tmp_path: Path) -> None:
    assert papers.drifted() == [], "run `make schemas`"
    assert papers.drifted(tmp_path) == [*papers.PAGES]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/state-machine.md").write_text("by hand")
    assert papers.write(tmp_path) == [*papers.PAGES]
    assert papers.drifted(tmp_path) == []
