"""A stand-in for the google provider: Terraform's plugin protocol 6 over the recovered schema.

Terraform starts it as it would the real one, and it reaches nothing. It knows names, types, blocks
and enums; roles, machine types or event types are any words to it, so policies look at those.

    validate   enums, and what is read only
    plan       what the cloud would choose becomes unknown
    apply      and is then made up

https://github.com/hashicorp/terraform/blob/main/docs/plugin-protocol/tfplugin6.0.proto
"""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from tests.infra.packed import UNKNOWN, pack, unpack
from tests.infra.proto import entries, message, read

SCHEMA = Path(__file__).parent / "provider_schema.json"
NUMBER = "123456789012"
"""Of the project."""
_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}
_WRONG = 1
NAMING = ("name", "account_id", "repository_id", "role_id", "service")
"""Attributes by which a resource is told from its like."""
_TRANSPORT = [{"pubsub": [{"subscription": None, "topic": None}]}]
CHOSEN = {"google_eventarc_trigger": {"transport": _TRANSPORT}}
"""Blocks that the cloud fills where a configuration has none; the schema cannot say it."""
Block = Mapping[str, Any]


class Provider:
    """The answers, each from the bytes of a request to those of a response."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._project = "stand-in"

    def schema(self, request: bytes) -> bytes:
        """All that there is; once is enough for every process of one command."""
        return message(
            {
                1: _schema(self._schema["provider"]),
                2: entries({k: _schema(v) for k, v in self._schema["resource_schemas"].items()}),
                3: entries({k: _schema(v) for k, v in self._schema["data_source_schemas"].items()}),
                6: message({2: True}),
            }
        )

    def configure(self, request: bytes) -> bytes:
        """The project is all that it remembers."""
        config = _value(read(request).get(2))
        self._project = config.get("project") or self._project
        return b""

    def validate(self, request: bytes) -> bytes:
        """Enums, and what nobody may set: Terraform itself has held the rest against the schema."""
        got = read(request)
        block = self._block("resource_schemas", got[1])
        wrong = [
            message({1: _WRONG, 2: "Not what may stand here", 3: words})
            for words in _misplaced(block, _value(got.get(2)), got[1].decode())
        ]
        return message({1: wrong})

    def upgrade(self, request: bytes) -> bytes:
        """The state as it is."""
        state = json.loads(read(read(request)[3])[1])
        return message({1: _dynamic(state)})

    def read(self, request: bytes) -> bytes:
        """Nothing has changed."""
        return message({1: read(request)[2]})

    def plan(self, request: bytes) -> bytes:
        """What is asked for, and unknown on creation whatever the cloud would choose."""
        got = read(request)
        proposed, prior = _value(got.get(3)), _value(got.get(2))
        if proposed is not None:
            for name, chosen in CHOSEN.get(got[1].decode(), {}).items():
                proposed[name] = proposed[name] or (prior[name] if prior else chosen)
        if proposed is not None and prior is None:
            proposed = _unset(self._block("resource_schemas", got[1]), proposed)
        return message({1: _dynamic(proposed), 5: True})

    def apply(self, request: bytes) -> bytes:
        """Whatever was unknown is made up, always in the same way."""
        got = read(request)
        planned = _value(got.get(3))
        if planned is not None:
            block = self._block("resource_schemas", got[1])
            made_up = self._made_up(got[1].decode(), planned)
            planned = _settled(block, planned, made_up, got[1].decode())
        return message({1: _dynamic(planned), 4: True})

    def data(self, request: bytes) -> bytes:
        """The project's number and the agents that are named by it."""
        got = read(request)
        config = _value(got.get(2))
        block = self._block("data_source_schemas", got[1])
        agent = f"service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
        told = {
            "number": NUMBER,
            "project_id": self._project,
            "email_address": agent,
            "member": f"serviceAccount:{agent}",
        }
        known = {k: told.get(k) if v is None else v for k, v in config.items()}
        return message({1: _dynamic(_settled(block, known, told, got[1].decode()))})

    def nothing(self, request: bytes) -> bytes:
        """No objection."""
        return b""

    def _block(self, kind: str, name: bytes) -> Block:
        block: Block = self._schema[kind][name.decode()]["block"]
        return block

    def _made_up(self, kind: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """As Google spells it where somebody reads it; by name everywhere."""
        name = next(
            (values[k] for k in NAMING if _said(values, k)),
            "x",
        )
        if kind == "google_service_account":
            email = f"{name}@{self._project}.iam.gserviceaccount.com"
            resource = f"projects/{self._project}/serviceAccounts/{email}"
            member = f"serviceAccount:{email}"
            return {"email": email, "member": member, "name": resource, "id": resource}
        spelt = {
            "google_pubsub_topic": f"projects/{self._project}/topics/{name}",
            "google_pubsub_subscription": f"projects/{self._project}/subscriptions/{name}",
            "google_project_iam_custom_role": f"projects/{self._project}/roles/{name}",
        }
        writer = f"serviceAccount:service-{NUMBER}@gcp-sa-logging.iam.gserviceaccount.com"
        return {
            "id": spelt.get(kind, f"{kind}/{name}"),
            "name": spelt.get(kind, name),
            "project": self._project,
            "subscription": f"projects/{self._project}/subscriptions/eventarc-{name}",
            "uri": f"https://{name}.stand-in.run.app",
            "writer_identity": writer,
        }


def _schema(schema: Mapping[str, Any]) -> bytes:
    return message({1: schema["version"], 2: _block(schema["block"])})


def _block(block: Block) -> bytes:
    attributes = [
        message(
            {
                1: name,
                2: json.dumps(one["type"]),
                4: "required" in one,
                5: "optional" in one,
                6: "computed" in one,
            }
        )
        for name, one in sorted(block["attributes"].items())
    ]
    nested = [
        message(
            {
                1: name,
                2: _block(one["block"]) or b"\x08\x00",
                3: _NESTING[one["nesting_mode"]],
                4: one.get("min_items", 0),
                5: one.get("max_items", 0),
            }
        )
        for name, one in sorted(block.get("block_types", {}).items())
    ]
    return message({2: attributes, 3: nested})


def _value(dynamic: bytes | None) -> Any:
    return unpack(read(dynamic)[1]) if dynamic else None


def _dynamic(value: Any) -> bytes:
    return message({1: pack(value)})


def _said(values: Mapping[str, Any], name: str) -> bool:
    return isinstance(values.get(name), str) and bool(values[name])


def _nested(block: Block, values: Mapping[str, Any]) -> Iterator[tuple[str, Block, Any]]:
    """The blocks that are there, but for `timeouts`, which is Terraform's own."""
    for name, one in block.get("block_types", {}).items():
        held = values.get(name)
        if name != "timeouts" and isinstance(held, (list, dict)):
            yield name, one["block"], held


def _over(block: Block, values: Any, change: Callable[[Block, Any], Any]) -> dict[str, Any]:
    """The values with every block of the next level changed."""
    changed = dict(values)
    for name, inner, held in _nested(block, values):
        if isinstance(held, list):
            changed[name] = [one if one is UNKNOWN else change(inner, one) for one in held]
        else:
            changed[name] = change(inner, held)
    return changed


def _unset(block: Block, values: Any) -> dict[str, Any]:
    changed = _over(block, values, _unset)
    for name, one in block["attributes"].items():
        if "computed" in one and changed.get(name) is None:
            changed[name] = UNKNOWN
    return changed


def _settled(block: Block, values: Any, made_up: Mapping[str, Any], kind: str) -> dict[str, Any]:
    changed = _over(block, values, lambda inner, one: _settled(inner, one, made_up, kind))
    for name, one in block["attributes"].items():
        if changed.get(name) is UNKNOWN:
            changed[name] = made_up.get(name) or _empty(one["type"], f"{kind}.{name}")
    return changed


def _empty(kind: Any, words: str) -> Any:
    if isinstance(kind, list):
        return {} if kind[0] == "map" else []
    return {"string": words, "number": 0, "bool": False}[kind]


def _misplaced(block: Block, values: Any, where: str) -> Iterator[str]:
    for name, one in block["attributes"].items():
        said = values.get(name)
        if said is not None and not {"optional", "required"} & one.keys():
            yield f"{where}.{name} is read only"
        if isinstance(said, str) and "values" in one and said not in one["values"]:
            yield f'{where}.{name} is "{said}", but must be one of {", ".join(one["values"])}'
    for name, inner, held in _nested(block, values):
        for one in held if isinstance(held, list) else [held]:
            if one is not UNKNOWN:
                yield from _misplaced(inner, one, f"{where}.{name}")


def serve(provider: Provider) -> None:
    """Serve until Terraform has had enough; the line on standard output is go-plugin's greeting."""
    done = threading.Event()

    def stop(request: bytes) -> bytes:
        done.set()
        return b""

    answers = {
        "GetProviderSchema": provider.schema,
        "ValidateProviderConfig": provider.nothing,
        "ValidateResourceConfig": provider.validate,
        "ValidateDataResourceConfig": provider.nothing,
        "UpgradeResourceState": provider.upgrade,
        "ConfigureProvider": provider.configure,
        "ReadResource": provider.read,
        "PlanResourceChange": provider.plan,
        "ApplyResourceChange": provider.apply,
        "ReadDataSource": provider.data,
        "StopProvider": provider.nothing,
    }
    server = grpc.server(
        ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", 64 << 20)]
    )
    server.add_generic_rpc_handlers(
        (
            _service("tfplugin6.Provider", answers),
            _service("plugin.GRPCController", {"Shutdown": stop}),
        )
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"1|6|tcp|127.0.0.1:{port}|grpc", flush=True)
    done.wait()
    server.stop(None)


def _service(name: str, answers: Mapping[str, Callable[[bytes], bytes]]) -> grpc.GenericRpcHandler:
    def handler(answer: Callable[[bytes], bytes]) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(lambda request, context: answer(request))

    return grpc.method_handlers_generic_handler(name, {k: handler(v) for k, v in answers.items()})


if __name__ == "__main__":
    sys.stdin.close()
    serve(Provider(json.loads(SCHEMA.read_text())))
