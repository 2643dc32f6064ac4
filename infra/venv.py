"""Makes `.venv` exactly as the lock says: `python infra/venv.py runtime|dev`.

Standard library only, and nothing that Python 3.6 cannot parse or define (hence the quoted
annotations), so that an old Python answers with a sentence. A finished installation leaves a
stamp: a run that finds its stamp says nothing, and one that finds none, or that of another
place or Python, begins afresh.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

OLDEST, NEWEST = (3, 11), (3, 13)
"""The Pythons that the lock is made for and tested with, both inclusive."""

CANDIDATES = ("python3.13", "python3.12", "python3.11")
"""Tried in this order when the Python that was started will not do."""

LOCKS = {"runtime": "requirements.txt", "dev": "requirements-dev.txt"}

DOWNLOAD_MB = {"runtime": 123, "dev": 171}
"""The wheels for Linux on x86-64: `pip download --no-deps -r LOCK -d wheels && du -sm wheels`."""

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed.txt"
HERE = "{}.{}".format(*sys.version_info)


def main(wanted: str) -> None:
    """Make `.venv` hold at least the wanted set; exits 2, with a sentence, where it cannot."""
    if is_ready(wanted):
        return
    trouble = what_is_missing()
    if trouble:
        start_again_with_another_python()
        refuse(trouble)
    make(wanted)


def is_ready(wanted: str) -> bool:
    """Whether a finished `.venv` of this place, lock and Python holds the wanted set.

    The development set holds the runtime set. A Python that will not do itself accepts
    whichever Python an earlier run found instead.
    """
    stamp = read_stamp()
    if not stamp or not (VENV / "bin" / "python").exists():
        return False
    python = HERE if is_suitable() else stamp[0]
    return stamp in (stamp_for(wanted, python), stamp_for("dev", python))


def read_stamp() -> "list[str]":
    """Python, place, lock and project of the last finished installation; empty if none was."""
    return STAMP.read_text(encoding="utf-8").splitlines() if STAMP.exists() else []


def stamp_for(wanted: str, python: str) -> "list[str]":
    """The stamp that a finished installation of this set leaves."""
    files = (ROOT / LOCKS[wanted], ROOT / "pyproject.toml")
    return [python, str(VENV), *(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)]


def is_suitable() -> bool:
    """Whether the lock is made for this Python."""
    return OLDEST <= sys.version_info[:2] <= NEWEST


def what_is_missing() -> str:
    """Why this Python cannot make `.venv`, in a sentence; empty if it can."""
    if not is_suitable():
        return (
            f"Clipline needs Python 3.11, 3.12 or 3.13; {sys.executable} is {HERE} and no other "
            "was found. Install one, or name it: make PYTHON=/path/to/python3.13 run"
        )
    try:
        import ensurepip  # noqa: F401  # Debian and its like ship it apart
        import venv  # noqa: F401  # the same
    except ImportError as error:
        return (
            f"{sys.executable} has no {error.name}: `apt install python{HERE}-venv`, "
            "or what your system calls it, mends that."
        )
    return ""


def start_again_with_another_python() -> None:
    """Become the first candidate that has all it needs; returns if there is none.

    Each is started once to see that it works, because a version manager's shim exists for
    versions that it cannot run.
    """
    for name in CANDIDATES:
        has_all = (
            "import sys, venv, ensurepip;"
            "sys.exit('python{}.{}'.format(*sys.version_info) != '" + name + "')"
        )
        try:
            failed = subprocess.call(
                [name, "-c", has_all], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except OSError:
            continue
        if not failed:
            os.execvp(name, [name, *sys.argv])


def make(wanted: str) -> None:
    """Install from the lock, every file checked by its hash; the stamp is written last.

    What a finished run left here from the lock as it is now is built upon. All else is made
    anew: a changed lock would leave packages behind that it no longer names, and an interrupted
    pip leaves some that only look whole.
    """
    held = [name for name in LOCKS if stamp_for(name, HERE)[:3] == read_stamp()[:3]]
    if held:
        print(f"Python {HERE} ok · bringing .venv up to date", flush=True)
        STAMP.unlink()
    else:
        print(
            f"Python {HERE} ok · downloading {DOWNLOAD_MB[wanted]} MB (first run only)", flush=True
        )
        if VENV.is_symlink():
            VENV.unlink()  # what it leads to is somebody else's, and would be cleared
        run([sys.executable, "-m", "venv", "--clear", str(VENV)], "Making .venv failed")
    wanted = "dev" if "dev" in held else wanted
    lock = LOCKS[wanted]
    python = str(VENV / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    run(
        [*pip, "--require-hashes", "--only-binary", ":all:", "--retries", "2", "-r", lock],
        f"Installing {lock} failed (is the network there?); run it again to go on",
    )
    checkout = ["--no-deps", "--no-build-isolation", "--editable", "."]
    run([*pip, *checkout], "Installing the checkout itself failed")
    STAMP.write_text("\n".join(stamp_for(wanted, HERE)), encoding="utf-8")


def run(command: "list[str]", sentence: str) -> None:
    """Run in the checkout, quietly; on failure say the sentence and the command's last lines."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        refuse("\n".join([sentence + ":", *done.stdout.strip().splitlines()[-5:]]))


def refuse(words: str) -> NoReturn:
    """End with words for a person; 2 says that the machine is at fault, not the code."""
    print(words, file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in LOCKS:
        refuse("usage: python infra/venv.py runtime|dev")
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        refuse("Stopped; the next run begins this again.")
