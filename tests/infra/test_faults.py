"""Planted faults: all at once here, one by one with `python -m tests.infra.planted`."""

from collections import Counter

import pytest

from tests.infra.fault import Fault
from tests.infra.faults import FAULTS
from tests.infra.planted import VALIDATE, found, is_found
from tests.infra.planted_page import PAGE, page
from tests.infra.policies import POLICIES
from tests.infra.terraform import Terraform

BY_TERRAFORM = [fault for fault in FAULTS if fault.found_by == VALIDATE]


@pytest.mark.parametrize("fault", BY_TERRAFORM, ids=lambda fault: fault.what)
def test_a_fault_that_terraform_sees_is_found(fault: Fault, copy: Terraform) -> None:
    assert is_found(fault, found([fault], copy))


def test_every_other_fault_is_found_by_the_policy_that_is_named(copy: Terraform) -> None:
    faults = [fault for fault in FAULTS if fault.found_by != VALIDATE]
    sentences = found(faults, copy)
    assert [fault.what for fault in faults if not is_found(fault, sentences)] == []


def test_the_page_of_what_is_planted_is_current() -> None:
    assert PAGE.read_text() == page(), "run python -m tests.infra.planted_page"


def test_there_are_many_and_no_two_are_one() -> None:
    assert len(FAULTS) >= 30
    assert [what for what, n in Counter(fault.what for fault in FAULTS).items() if n > 1] == []
    named = {fault.found_by for fault in FAULTS} - {VALIDATE}
    assert named <= {policy.__name__ for policy in POLICIES}


def test_every_policy_finds_something_but_what_no_edit_breaks() -> None:
    silent = {policy.__name__ for policy in POLICIES} - {fault.found_by for fault in FAULTS}
    assert silent == {
        "every_topic_is_read",
        "unfinished_uploads_are_dropped",
        "uploads_and_outputs_are_never_removed_by_a_rule",
    }
