"""Lanes are data: what is wrong with them is said with its line and field."""

import json
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from functions.cloud_lanes import CloudLane, budget, cloud_lanes, laptop_lanes, tenants
from functions.core.budget import Budget
from functions.core.quotas import Quota, running_limits
from functions.core.tenants import FolderDefault, Tenant
from functions.errors import NotConfigured
from schemas.priority import Priority
from tests.lanes import LAPTOP_LANE

SHARED = Path(__file__).parents[2] / "infra/lanes/laptop-pool.toml"
HERE = {"CLIPLINE_ENCODER_CLASS": "libx264/9.0/t1", "CLIPLINE_TASKS": "3"}
GOOD = """\
[[lanes]]
id = "a"
encoder_class = "libx264/9.0/t1"
tasks = 2
executions = 4
start_within_seconds = 60
attempt_limit_seconds = 3300
region = "us-east4"
job = "renders"

[[lanes]]
id = "b"
encoder_class = "libx264/9.0/t1"
tasks = 2
executions = 4
start_within_seconds = 60
attempt_limit_seconds = 3300
region = "us-east4"
job = "renders"
"""


def lanes(text: str) -> tuple[CloudLane, ...]:
    return cloud_lanes({"CLIPLINE_LANES": text})


def test_the_laptops_shared_lanes_can_be_read_and_the_pool_is_the_first_choice() -> None:
    pool, here = laptop_lanes({**HERE, "CLIPLINE_LANES_FILE": str(SHARED)})
    assert (pool.pool, here.pool) == ("desk", "")
    assert pool.tasks == 2, "as many workers as docs/workers.md starts"


@pytest.mark.parametrize("pool", ["Desk", "a/b", "-", "x" * 64, "a desk"])
def test_a_pool_s_name_is_part_of_objects_names(pool: str) -> None:
    text = GOOD.replace('region = "us-east4"\njob = "renders"', f'pool = "{pool}"')
    with pytest.raises(NotConfigured, match=r"line 8: lanes\[0\].pool must be of a-z, 0-9 and -"):
        lanes(text)


WORKERS = """\
[lanes.workers]
project = "p"
region = "us-east4"
name = "workers"
most = 20
"""


def packed(also: str = "", timeout: int = 3600) -> str:
    head = GOOD.partition("region")[0] + f'pool = "small"\ntask_timeout_seconds = {timeout}\n'
    return head + also + WORKERS


def test_a_pool_s_workers_may_be_executions_of_a_job() -> None:
    (lane,) = lanes(packed())
    assert lane.workers is not None
    assert lane.workers.path == "projects/p/locations/us-east4/jobs/workers"
    assert lane.lane.files_in_memory
    assert lane.lane.is_shared


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (packed().replace('pool = "small"\n', ""), "are of a lane with a pool"),
        (packed() + WORKERS.replace("workers]", "group]").replace("region", "where"), "no group"),
        (packed(timeout=3330), "60 s longer than attempt_limit_seconds"),
        (packed().replace("task_timeout_seconds = 3600\n", ""), "need a task_timeout_seconds"),
    ],
)
def test_workers_need_a_pool_of_their_own_and_time(text: str, words: str) -> None:
    with pytest.raises(NotConfigured, match=rf"lanes\[0\].workers .*{words}"):
        lanes(text)


def test_a_lane_on_this_machine_has_what_was_found_here_unless_it_says_otherwise() -> None:
    (one,) = laptop_lanes(HERE)
    assert (one.id, one.tasks, one.encoder_class) == (LAPTOP_LANE, 3, "libx264/9.0/t1")
    assert one.lane.attempt_limit == timedelta(hours=12)
    text = '[[lanes]]\nid = "laptop/one"\ntasks = 1\nexecutions = 2\n'
    text += "start_within_seconds = 5\nattempt_limit_seconds = 60\n"
    (other,) = laptop_lanes({**HERE, "CLIPLINE_LANES": text})
    assert (other.id, other.tasks, other.encoder_class) == ("laptop/one", 1, "libx264/9.0/t1")


def test_a_lane_elsewhere_is_none_of_this_machine() -> None:
    with pytest.raises(NotConfigured, match="'a' is not on this machine"):
        laptop_lanes({**HERE, "CLIPLINE_LANES": GOOD})


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('tasks = 2\nexecutions = 4\nstart_within_seconds = 60\nattempt_limit_seconds = 3300\n'
         'region = "us-east4"\njob = "renders"\n\n', "", "line 1: lanes[0].tasks is missing"),
        ('id = "b"', 'id = "a"', "line 12: lanes[1].id 'a' is there twice"),
        ('id = "b"', "id = 7", "line 12: lanes[1].id Expected `str`, got `int`"),
        ('id = "b"', 'id = "b"\ntaks = 9', "line 13: lanes[1].taks is no field of a lane; is it t"),
        ('id = "b"', 'id = "b"\nparallelism = 1', "line 15: lanes[1].tasks must not be more than"),
        ('id = "b"', 'id = "b"\ngpu_slots = 1', "line 13: lanes[1].gpu_slots must not be fewer"),
        (
            'id = "b"',
            'id = "b"\ntask_timeout_seconds = 3000',
            "line 18: lanes[1].attempt_limit_seconds must not be longer than task_timeout_seconds",
        ),
        ('id = "b"', 'id = ', "neither TOML nor JSON: Invalid value (at line 12, column 6)"),
        ("[[lanes]]", "[[other]]", "there must be one lane at least"),
        (
            'id = "b"',
            'id = "b"\nprice.parts = [{what = "L4", nanodollars_a_second = 1, read_on = "",'
            'source = ""}]',
            "line 13: lanes[1].price must say for each part when and where it was read",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line_and_field(before: str, after: str, says: str) -> None:
    assert before in GOOD
    with pytest.raises(NotConfigured) as raised:
        lanes(GOOD.replace(before, after))
    assert says in str(raised.value)
    assert str(raised.value).startswith("CLIPLINE_LANES")


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(NotConfigured, match=r"CLIPLINE_LANES_FILE: .*nowhere\.toml"):
        cloud_lanes({"CLIPLINE_LANES_FILE": "nowhere.toml"})


def test_limits_of_money_and_of_place_stand_beside_the_lanes() -> None:
    text = GOOD + '[budget]\nrender_dollars = 2.5\n[tenants.acme]\nlocations = ["eu", "ch"]\n'
    told = {"CLIPLINE_LANES": text}
    assert budget(told) == Budget(render=2_500_000_000)
    assert tenants(told) == {"acme": Tenant(locations=("eu", "ch"))}
    assert len(cloud_lanes(told)) == 2
    assert (budget({}), tenants({})) == (Budget(), {})
    same = {"CLIPLINE_LANES": json.dumps(tomllib.loads(text))}
    assert (budget(same), tenants(same)) == (budget(told), tenants(told))
    assert cloud_lanes(same) == cloud_lanes(told)


@pytest.mark.parametrize(
    "wrong",
    [
        "[budget]\nrender_dollars = -1",
        "[budget]\nweek_dollars = 1",
        '[budget]\nday_dollars = "much"',
        "[tenants.acme]\nlocations = []",
        "[tenants.acme]\nplaces = []",
        "[tenants]\nacme = 7",
    ],
)
def test_a_limit_that_is_none_is_refused(wrong: str) -> None:
    told = {"CLIPLINE_LANES": GOOD + wrong}
    with pytest.raises(NotConfigured, match=r"CLIPLINE_LANES(, line \d+)?: .*(budget|tenants)"):
        budget(told), tenants(told)


def test_a_tenant_has_its_share_and_its_folders_their_priorities() -> None:
    text = GOOD + (
        '[tenants.acme]\nweight = 3\nceiling = "live"\n'
        '[tenants.acme.folders]\n"acme/archive/" = "background"\n[tenants."a.b"]\nweight = 2\n'
    )
    acme = Tenant(weight=3, ceiling=Priority.LIVE, folders={"acme/archive/": Priority.BACKGROUND})
    assert tenants({"CLIPLINE_LANES": text}) == {"acme": acme, "a.b": Tenant(weight=2)}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (
            "[tenants.acme]\nwieght = 3",
            "line 21: tenants.acme.wieght is no field of a tenant; is it weight?",
        ),
        (
            "[tenants.acme]\nweight = 3\nceiling = 'urgent'",
            "line 22: tenants.acme.ceiling Invalid enum value 'urgent': there are live, normal",
        ),
        (
            "[tenants.acme]\nweight = 0",
            "line 21: tenants.acme.weight must be from 1 to 100 (it is 0)",
        ),
        (
            "[tenants.acme]\n[tenants.acme.folders]\n'zeta/' = 'live'",
            "line 21: tenants.acme.folders 'zeta/' is not in the tenant's own folder, "
            "which is acme/",
        ),
        (
            "[tenants.acme.defaults.'zeta/']\nspec = '{}'",
            "line 20: tenants.acme.defaults 'zeta/' is not in the tenant's own folder, "
            "which is acme/",
        ),
        (
            "[tenants.acme]\n[tenants.acme.defaults.'acme/a']\nspec = '{}'",
            "line 21: tenants.acme.defaults.'acme/a' must end in /, as a folder does",
        ),
        (
            "[tenants.acme.defaults.'acme/']\n[tenants.acme.defaults.'acme/a/']\n"
            "await_sidecar_seconds = 60\nspec = '{\"outputs\": [{\"height\": 9}]}'",
            "line 23: tenants.acme.defaults.'acme/a/'.spec will not do: outputs[0].height is 9, "
            "but must be a whole number of pixels, 16 to 4320",
        ),
        (
            "[tenants.acme.defaults]\n'acme/' = {spec = 'x'}",
            "line 21: tenants.acme.defaults.'acme/'.spec will not do: spec is not JSON",
        ),
        (
            "[tenants.acme.defaults.'acme/']\nawait_sidecar_seconds = 3601",
            "line 21: tenants.acme.defaults.'acme/'.await_sidecar_seconds must be from 0 to 3600 "
            "(it is 3601)",
        ),
        (
            "[tenants.acme.defaults.'acme/']\nawait_sidecar_seconds = -1",
            "line 21: tenants.acme.defaults.'acme/'.await_sidecar_seconds must be from 0 to 3600 "
            "(it is -1)",
        ),
        (
            "[tenants.acme.defaults.'acme/']\nawait_sidecar = 60",
            "line 21: tenants.acme.defaults.'acme/'.await_sidecar is no field of a folder's "
            "default; is it await_sidecar_seconds?",
        ),
        (
            "[tenants.acme.defaults.'acme/']\nspec = 7",
            "line 20: tenants.acme.defaults Expected `str`, got `int`",
        ),
        (
            "[tenants.acme]\ndefaults = 7",
            "line 21: tenants.acme.defaults Expected `object`, got `int`",
        ),
    ],
)  # fmt: skip
def test_a_wrong_field_of_a_tenant_is_named_with_its_line(wrong: str, says: str) -> None:
    with pytest.raises(NotConfigured) as raised:
        tenants({"CLIPLINE_LANES": GOOD + wrong})
    assert str(raised.value).startswith(f"CLIPLINE_LANES, {says}")


def test_a_folder_has_a_default_spec_and_may_await_sidecars() -> None:
    text = GOOD + (
        "[tenants.acme.defaults.'acme/shorts/']\nspec = '{\"outputs\": [{\"height\": 90}]}'\n"
        "await_sidecar_seconds = 600\n"
    )
    default = FolderDefault(spec='{"outputs": [{"height": 90}]}', await_sidecar_seconds=600)
    for told in (text, json.dumps(tomllib.loads(text))):
        found = tenants({"CLIPLINE_LANES": told})
        assert found == {"acme": Tenant(defaults={"acme/shorts/": default})}
    assert default.await_sidecar == timedelta(minutes=10)


QUOTAS = """\
[[quotas]]
id = "us-east4"
launches_a_minute = 60
gpus = 3

"""


def test_lanes_name_the_quotas_that_they_share() -> None:
    text = QUOTAS + GOOD.replace("tasks = 2", 'tasks = 2\nquotas = ["us-east4"]')
    for told in (text, json.dumps(tomllib.loads(text))):
        first, second = (one.lane for one in lanes(told))
        quota = Quota(id="us-east4", launches_a_minute=60, gpus=3)
        assert first.quotas == second.quotas == (quota,)
    assert [one.name for one in running_limits([first, second])] == ["us-east4 GPUs"]
    assert running_limits([first, second])[0].weights == {"a": 2, "b": 2}


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('id = "us-east4"', 'id = ""', "line 2: quotas[0].id '' is empty, or there twice"),
        ("gpus = 3", "gpu = 3", "line 4: quotas[0].gpu is no field of a quota; is it gpus?"),
        ("gpus = 3", "gpus = 0", "line 4: quotas[0].gpus must be 1 at least (it is 0)"),
        ("gpus = 3", 'gpus = "3"', "line 4: quotas[0].gpus Expected `int | null`, got `str`"),
        (
            "gpus = 3",
            "gpus = 1",
            "line 10: lanes[0].quotas 'us-east4' has fewer GPUs (1) than the lane has tasks: "
            "nothing could start",
        ),
        (
            '["us-east4"]',
            '["us-east-4"]',
            "line 10: lanes[0].quotas 'us-east-4' is the id of no [[quotas]] table; "
            "is it us-east4?",
        ),
        ('["us-east4"]', "[1]", "line 10: lanes[0].quotas must be the ids of [[quotas]] tables"),
    ],
)
def test_a_wrong_quota_is_named_with_its_line(before: str, after: str, says: str) -> None:
    text = QUOTAS + GOOD.replace("tasks = 2", 'tasks = 2\nquotas = ["us-east4"]')
    with pytest.raises(NotConfigured) as raised:
        lanes(text.replace(before, after))
    assert str(raised.value).startswith(f"CLIPLINE_LANES, {says}")
