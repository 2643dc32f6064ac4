"""An emulator that is absent is no reason to fail at home, and one in CI."""

from pathlib import Path

import pytest

from tests import emulators


@pytest.mark.parametrize(("ci", "end"), [("", pytest.skip.Exception), ("1", pytest.fail.Exception)])
def test_an_absent_emulator_skips_at_home_and_fails_in_ci(
    tmp_path: Path, ci: str, end: type[BaseException]
) -> None:
    with (
        emulators.environment(PATH=str(tmp_path), FIRESTORE_EMULATOR_HOST="", CI=ci),
        pytest.raises(end, match="gcloud components install"),
        emulators.required(),
        emulators.firestore(),
    ):
        raise AssertionError("there is none")
