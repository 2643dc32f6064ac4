"""The google provider's schema, read from bindings that were generated from it.

    pip download --no-deps cdktn-provider-google==21.1.0
    python -m tests.infra.extract_schema cdktn_provider_google-21.1.0-py3-none-any.whl

writes `provider_schema.json`, in the form of `terraform providers schema -json`. Names, types, what
is required, optional or computed, blocks and the values that a field may have: facts, and no
descriptions. Lost on the way are defaults, what forces a new resource, what excludes what, and list
sizes above one.
"""

import json
import re
import sys
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE, VERSION, PROVIDER, LICENCE = "cdktn-provider-google", "21.1.0", "8.7.0", "MPL-2.0"
HERE = Path(__file__).parent / "provider_schema.json"

RESOURCES = """
artifact-registry-repository artifact-registry-repository-iam-member billing-budget
cloud-run-v2-job cloud-run-v2-job-iam-member cloud-run-v2-service-iam-member cloud-scheduler-job
cloudfunctions2-function compute-instance-template compute-network
compute-region-instance-group-manager compute-subnetwork eventarc-trigger firestore-database
firestore-field firestore-index logging-metric logging-project-sink monitoring-alert-policy
monitoring-dashboard monitoring-notification-channel project-iam-custom-role project-iam-member
project-service pubsub-subscription pubsub-subscription-iam-member pubsub-topic
pubsub-topic-iam-member service-account service-account-iam-member storage-bucket
storage-bucket-iam-member storage-bucket-object
""".split()  # noqa: SIM905  # a list of thirty lines says no more
OF_THE_PROVIDER = (
    "billing_project",
    "default_labels",
    "project",
    "region",
    "user_project_override",
)
DATA = ["data-google-project", "data-google-storage-project-service-account"]

_CLASS = re.compile(r"^class (\w+) extends cdktn\.\w+ \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(
    r"^    // (\w+) - computed: (true|false), optional: (true|false), required: (true|false)\n"
    r"(.*?)(?=^    // \w+ - computed|^    // =====|\Z)",
    re.MULTILINE | re.DOTALL,
)
_NESTED = re.compile(r'= new (\w+?)(List|Map|OutputReference)\(this, "\w+"(?:, (true|false))?\)')
_MAP = re.compile(r"= new cdktn\.(String|Number|Boolean|Any)Map\(")
_GETTER = re.compile(r"(cdktn\.Fn\.tolist\()?(?:this\.)get(\w+)Attribute\('")
_SETTABLE = re.compile(
    r"^ +(\w+): \{\n +value: [^\n]*\n +isBlock: (true|false),\n +type: \"(\w+)\",\n"
    r" +storageClassType: \"(\w+)\"",
    re.MULTILINE,
)
_HCL = re.compile(r"^function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_TOP_HCL = re.compile(
    r"^    synthesizeHclAttributes\(\) \{\n(.*?)^    \}", re.MULTILINE | re.DOTALL
)
_TYPE = re.compile(r"static tfResourceType = \"(\w+)\"")
_INTERFACE = re.compile(r"^export interface (\w+) [^\n]*\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_ENUM = re.compile(
    r"Possible values: \[([^\]]*)\](?:(?!\*/).)*?#(\w+)\}\s*\*/\s*readonly \w+", re.DOTALL
)
_SIMPLE: dict[str, Any] = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
    "AnyMap": ["map", "string"],
}


class Field(NamedTuple):
    """One of a class's fields, as its comment and its getter say."""

    name: str
    computed: bool
    optional: bool
    required: bool
    body: str


class Module:
    """One resource's file."""

    def __init__(self, text: str, types: str) -> None:
        self.classes = {name: body for name, body in _CLASS.findall(text)}
        self.settable = {
            name.lower(): {one[0]: one for one in _SETTABLE.findall(body)}
            for name, body in _HCL.findall(text)
        }
        self.top = next(
            (name for name, body in self.classes.items() if "tfResourceType" in body),
            "GoogleProvider",
        )
        hcl = _TOP_HCL.search(text)
        self.settable[self.top.lower()] = (
            {one[0]: one for one in _SETTABLE.findall(hcl[1])} if hcl else {}
        )
        found = _TYPE.search(text)
        self.type = found[1] if found else "google"
        self.enums = {
            (interface.lower(), name): sorted(set(re.findall(r'"([^"]+)"', values)))
            for interface, body in _INTERFACE.findall(types)
            for values, name in _ENUM.findall(body)
        }

    def block(self, name: str) -> dict[str, Any]:
        """The block of a class, without what the name of the nested class adds."""
        attributes, blocks = {}, {}
        settable = self.settable.get(name.lower(), {})
        for field in self.fields(name):
            nested = _NESTED.search(field.body)
            said = settable.get(field.name)
            if nested and said and said[1] == "true":
                blocks[field.name] = self.nested(field, nested, said[2])
            else:
                attributes[field.name] = self.attribute(name, field, nested, said)
        found: dict[str, Any] = {"attributes": attributes}
        return {**found, "block_types": blocks} if blocks else found

    def fields(self, name: str) -> list[Field]:
        """As the class tells them."""
        body = self.classes.get(name) or self.classes[f"{name}OutputReference"]
        return [
            Field(one, c == "true", o == "true", r == "true", text)
            for one, c, o, r, text in _FIELD.findall(body)
        ]

    def nested(self, field: Field, nested: "re.Match[str]", kind: str) -> dict[str, Any]:
        """A block of at most one is one whose class is no list."""
        if kind == "struct":
            return {"nesting_mode": "single", "block": self.block(nested[1])}
        one: dict[str, Any] = {"nesting_mode": kind, "block": self.block(nested[1])}
        if field.required:
            one["min_items"] = 1
        if nested[2] == "OutputReference":
            one["max_items"] = 1
        return one

    def attribute(
        self,
        of: str,
        field: Field,
        nested: "re.Match[str] | None",
        said: "tuple[str, ...] | None",
    ) -> dict[str, Any]:
        """With its flags where they are true, and the values that it may have."""
        one: dict[str, Any] = {"type": self.type_of(field, nested, said)}
        for flag in ("computed", "optional", "required"):
            if getattr(field, flag):
                one[flag] = True
        interface = f"{of}Config" if of == self.top else of
        if values := self.enums.get((interface.lower(), field.name)):
            one["values"] = values
        return one

    def type_of(
        self, field: Field, nested: "re.Match[str] | None", said: "tuple[str, ...] | None"
    ) -> Any:
        """In the notation of Terraform's types."""
        if nested:
            inner = self.block(nested[1])
            of = {name: one["type"] for name, one in inner["attributes"].items()}
            kind = "set" if nested[3] == "true" else "map" if nested[2] == "Map" else "list"
            return [kind, ["object", of]]
        if found := _MAP.search(field.body):
            return _SIMPLE[f"{found[1]}Map"]
        getter = _GETTER.search(field.body)
        if getter is None:
            return self.input_type(said)
        kind = _SIMPLE[getter[2]]
        is_set = bool(getter[1]) or (said is not None and said[2] == "set")
        return ["set", kind[1]] if is_set and isinstance(kind, list) else kind

    def input_type(self, said: "tuple[str, ...] | None") -> Any:
        """Of what can only be written: as it is written."""
        if said is None:
            return "string"
        base = {"string": "string", "number": "number", "boolean": "bool"}
        if said[3] in base:
            return base[said[3]]
        of = "number" if said[3].startswith("number") else "string"
        return [said[2], of]


def extract(wheel: Path) -> dict[str, Any]:
    """The schema of what the pipeline uses."""
    with zipfile.ZipFile(wheel) as zipped:
        name = next(one for one in zipped.namelist() if one.endswith(".jsii.tgz"))
        packed = zipped.read(name)
    with tarfile.open(fileobj=BytesIO(packed)) as tar:
        wanted = {
            f"package/lib/{one}/index.{end}"
            for one in (*RESOURCES, *DATA, "provider")
            for end in ("js", "d.ts")
        }
        texts = {}
        for member in tar:
            if member.name in wanted:
                file = tar.extractfile(member)
                assert file is not None
                texts[member.name] = file.read().decode().partition("//# sourceMappingURL")[0]

    def module(name: str) -> Module:
        at = f"package/lib/{name}/index."
        return Module(texts[f"{at}js"], texts[f"{at}d.ts"])

    def schemas(names: list[str]) -> dict[str, Any]:
        modules = sorted(map(module, names), key=lambda one: one.type)
        return {one.type: {"version": 0, "block": one.block(one.top)} for one in modules}

    provider = module("provider").block("GoogleProvider")["attributes"]
    return {
        "header": {
            "package": PACKAGE,
            "version": VERSION,
            "provider": f"hashicorp/google {PROVIDER}",
            "licence": LICENCE,
            "what": "facts read from generated bindings by tests/infra/extract_schema.py",
        },
        "provider": {
            "version": 0,
            "block": {"attributes": {name: provider[name] for name in OF_THE_PROVIDER}},
        },
        "resource_schemas": schemas(RESOURCES),
        "data_source_schemas": schemas(DATA),
    }


def main() -> None:
    """One line a resource, so that a change of one is seen."""
    found = extract(Path(sys.argv[1]))
    lines = []
    for key, value in found.items():
        if key.endswith("_schemas"):
            rows = ",\n".join(f'  "{k}": {_short(v)}' for k, v in value.items())
            lines.append(f'"{key}": {{\n{rows}\n}}')
        else:
            lines.append(f'"{key}": {_short(value)}')
    HERE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _short(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


if __name__ == "__main__":
    main()
