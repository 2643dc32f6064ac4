"""schemas/flows.py is a contract: what is declared is there, and what is there is declared."""

from collections import Counter

import pytest

from tests.infra.conftest import Deployed
from tests.infra.flow_map import Edges, There, drifts, everything
from tests.infra.observed import observed
from tests.infra.planted_drifts import DRIFTS, Drift


@pytest.fixture(scope="module")
def said() -> Edges:
    return observed()


@pytest.fixture(scope="module")
def there(deployed: Deployed, said: Edges) -> There:
    return everything(deployed.deployment, said)


def test_the_map_is_what_there_is(there: There) -> None:
    assert list(drifts(there)) == []


def test_without_terraform_the_rest_is_still_held(said: Edges) -> None:
    assert list(drifts(everything(None, said))) == []


@pytest.mark.parametrize("drift", DRIFTS, ids=lambda drift: drift.what)
def test_a_planted_drift_is_found(drift: Drift, there: There) -> None:
    said = list(drifts(drift.change(there)))
    assert [words for words in said if drift.words in words], said


def test_there_are_many_and_no_two_are_one() -> None:
    assert len(DRIFTS) >= 20
    assert [what for what, n in Counter(drift.what for drift in DRIFTS).items() if n > 1] == []
    assert {drift.where for drift in DRIFTS} == {"declared", "code", "laptop", "plan", "run"}
