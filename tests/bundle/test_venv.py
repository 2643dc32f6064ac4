"""`infra/venv.py`: the first thing that a newcomer's two commands run."""

import shutil
import subprocess
import sys
from pathlib import Path

from infra.venv import ROOT


def test_a_venv_that_is_a_link_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    (checkout / "infra").mkdir(parents=True)
    shutil.copy(ROOT / "infra/venv.py", checkout / "infra")
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        (checkout / name).write_text("")
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("")
    (checkout / ".venv").symlink_to(elsewhere)
    words = [sys.executable, "infra/venv.py", "runtime"]
    done = subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=False)
    assert (checkout / ".venv/bin/python").exists(), done.stderr
    assert not (checkout / ".venv").is_symlink()
    assert [one.name for one in elsewhere.iterdir()] == ["kept"]
