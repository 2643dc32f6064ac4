"""What a suite needs and this machine has not: skipped at home with the reason, failed in CI."""

import os
from typing import NoReturn

import pytest


def absent(reason: object) -> NoReturn:
    """End the test so."""
    if os.environ.get("CI"):
        pytest.fail(f"CI must have it: {reason}")
    pytest.skip(str(reason))
