"""Faults that are planted into `infra/gcp`, and what finds each.

Those that Terraform itself does not find are planted all at once by the tests: no two may meet in
one place.
"""

from tests.infra.faults.data import DATA
from tests.infra.faults.messages import MESSAGES
from tests.infra.faults.roles import ROLES
from tests.infra.faults.running import RUNNING
from tests.infra.faults.schema import SCHEMA
from tests.infra.faults.watching import WATCHING
from tests.infra.faults.workers import WORKERS

FAULTS = (*ROLES, *RUNNING, *MESSAGES, *DATA, *WATCHING, *SCHEMA, *WORKERS)
