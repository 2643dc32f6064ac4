"""`docs/iam.md`: who may do what, written from the plan.

    python -m tests.infra.iam_page      writes it, and prints how many resources there are

The plan is that of `inputs.py`, over the stand-in provider: lanes of every kind, one member for
each kind of people.
"""

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.infra import inputs, terraform
from tests.infra.allowed import ALLOWED, ON_PROJECT
from tests.infra.deployment import Deployment, Grant, short

PAGE = terraform.ROOT / "docs" / "iam.md"
PEOPLE = {
    "app": "an app (`people.uploaders`, `people.downstream`)",
    "group:on-call@example.com": "people on call (`people.on_call`)",
    "group:video@example.com": "operators (`people.operators`)",
}
HEAD = """\
# Who may do what on Google Cloud

One service account per actor, each with the least that it needs, on the resource it needs it on.
What stands here is granted and nothing else: a grant too many or too few fails the tests. Written
by `python -m tests.infra.iam_page` from the plan of `infra/gcp` with lanes of every kind;
schema-valid and self-consistent, never applied to Google Cloud.
"""


def page(deployment: Deployment) -> str:
    """The whole page, as Markdown."""
    grants = sorted(deployment.grants(), key=lambda one: (short(one.member), one.kind, one.on))
    return "\n".join(
        (
            HEAD,
            "## At a resource\n",
            _table(("who", "role", "on", "why"), _rows(g for g in grants if g.kind != "project")),
            "## At the project\n\nWhere there is no resource to grant it on.\n",
            _table(("who", "role", "on", "why"), _rows(g for g in grants if g.kind == "project")),
            *_own_roles(deployment),
        )
    )


def _rows(grants: Iterable[Grant]) -> Iterable[tuple[str, ...]]:
    """One row for an actor, a role and a reason, with all resources it has it on."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for one in grants:
        who = short(one.member)
        if one.kind == "project":
            why, on = ON_PROJECT[who, one.role], "the project"
        else:
            why, on = ALLOWED[who, one.kind, one.on, one.role], f"{one.kind} `{_bare(one.on)}`"
        rows.setdefault((PEOPLE.get(who, f"`{who}`"), f"`{one.role}`", why), []).append(on)
    return ((who, role, ", ".join(on), why) for (who, role, why), on in rows.items())


def _bare(name: str) -> str:
    return name.removeprefix("demo-project-clipline-")


def _own_roles(deployment: Deployment) -> Iterable[str]:
    for role in deployment.of("project_iam_custom_role"):
        may = ", ".join(f"`{one}`" for one in sorted(role.values["permissions"]))
        yield f"`{role.values['role_id']}` is a role of our own: {may}.\n"


def summary(deployment: Deployment) -> str:
    """Resources by kind, as Markdown."""
    kinds = Counter(one.type for one in deployment.resources)
    rows = [(f"`{kind}`", str(n)) for kind, n in sorted(kinds.items())]
    return _table(("kind", "how many"), [*rows, ("all", str(sum(kinds.values())))])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> None:
    """Write it."""
    with tempfile.TemporaryDirectory() as scratch:
        one = terraform.working_copy(Path(scratch) / "gcp", Path(scratch) / "mirror")
        inputs.lay(one.folder)
        one.init()
        one.run("apply", "-auto-approve", "-input=false")
        deployment = Deployment(one.shown()["values"])
        PAGE.write_text(page(deployment))
        print(summary(deployment), end="")


if __name__ == "__main__":
    main()
