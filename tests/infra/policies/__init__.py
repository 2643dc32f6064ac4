"""What must hold of every deployment: each policy is a function whose docstring is the rule.

A policy yields a sentence for everything that breaks it; what breaks none is silent. `mypy`,
`validate` and the provider see none of this: a role, a duration or a machine is any word to them.
"""

from collections.abc import Callable, Iterator

from tests.infra.deployment import Deployment
from tests.infra.policies import access, compute, data, messages, watching, workers

Policy = Callable[[Deployment], Iterator[str]]

POLICIES: tuple[Policy, ...] = (
    *access.POLICIES,
    *compute.POLICIES,
    *data.POLICIES,
    *messages.POLICIES,
    *watching.POLICIES,
    *workers.POLICIES,
)


def findings(deployment: Deployment) -> Iterator[str]:
    """`policy: sentence` for all that is wrong."""
    for policy in POLICIES:
        for words in policy(deployment):
            yield f"{policy.__name__}: {words}"
