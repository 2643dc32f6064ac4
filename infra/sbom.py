"""What is in the image it runs in, as CycloneDX 1.5: `python -I sbom.py > sbom.cdx.json`.

Every package of Debian's and of Python's, with its version and licence, and the libraries that
wheels carry along without naming them. Standard library only. Nothing in it depends on when or
where it ran, so that the same image has the same list.
"""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

STATUS = Path("/var/lib/dpkg/status")
"""What dpkg knows of packages (dpkg-query(1)); a paragraph each."""
COPYRIGHT = Path("/usr/share/doc")
_FIELD = re.compile(r"^(Package|Status|Version|Architecture): (.+)$", re.MULTILINE)
_LICENSE = re.compile(r"^License: *([A-Za-z0-9][A-Za-z0-9.+-]*)", re.MULTILINE)
_LIBRARY = re.compile(r"(?P<name>lib[\w+]+?)-[0-9a-f]{8,}\.so(?:\.(?P<version>[\d.]+))?$")


def main() -> None:
    """Print it."""
    components = sorted([*_debian(), *_python()], key=lambda one: (one["type"], one["bom-ref"]))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "clipline-render"}},
        "components": components,
    }
    json.dump(document, sys.stdout, indent=1, sort_keys=True)
    sys.stdout.write("\n")


def _debian() -> Iterator[dict[str, Any]]:
    """What is installed; licences by the short names in each package's copyright file."""
    for paragraph in STATUS.read_text(encoding="utf-8").strip().split("\n\n"):
        told = dict(_FIELD.findall(paragraph))
        if told["Status"] != "install ok installed":
            continue
        name, version, architecture = told["Package"], told["Version"], told["Architecture"]
        file = COPYRIGHT / name / "copyright"
        text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        ref = f"pkg:deb/debian/{name}@{version}?arch={architecture}"
        yield _component(name, version, ref, sorted(set(_LICENSE.findall(text))))


def _python() -> Iterator[dict[str, Any]]:
    for one in distributions():
        name, version = one.metadata["Name"], one.version
        ref = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
        told = one.metadata.json
        said = str(told.get("license_expression") or told.get("license") or "").strip()
        yield _component(name, version, ref, said.splitlines()[:1])
        yield from _carried(one, ref)


def _carried(one: Distribution, ref: str) -> Iterator[dict[str, Any]]:
    """Shared libraries inside a wheel: PyAV's hold those of FFmpeg, libx264 and libx265."""
    for file in one.files or ():
        found = _LIBRARY.search(file.name)
        if found:
            yield _component(found["name"], found["version"] or "", f"{ref}#{file}", [])


def _component(name: str, version: str, ref: str, licenses: list[str]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "library", "name": name, "version": version, "bom-ref": ref}
    if "#" not in ref:
        made["purl"] = ref
    if licenses:
        made["licenses"] = [{"license": {"name": license}} for license in licenses]
    return made


if __name__ == "__main__":
    main()
