"""What is in the image, and what is not."""

import json
import tarfile
from io import BytesIO
from typing import Any

import pytest

from tests.image.conftest import IMAGE, PYTHON

PACKAGES = "/opt/clipline/lib/python3.11/site-packages"


@pytest.fixture
def inside(docker: Any) -> Any:
    """Runs a shell line in the image as it is deployed: read-only, without a network."""

    def run(line: str) -> str:
        said = docker.containers.run(
            IMAGE,
            ["-c", line],
            entrypoint="sh",
            network_mode="none",
            read_only=True,
            tmpfs={"/tmp": "size=64m,mode=1777"},
            remove=True,
        )
        return str(said.decode())

    return run


def file_of_the_image(docker: Any, path: str) -> bytes:
    """As it lies there. What a container prints comes through the engine's log, whose end is
    lost now and then where the container ends at once."""
    container = docker.containers.create(IMAGE)
    try:
        parts, _ = container.get_archive(path)
        with tarfile.open(fileobj=BytesIO(b"".join(parts))) as archive:
            lies = archive.extractfile(path.rpartition("/")[2])
            assert lies, path
            return lies.read()
    finally:
        container.remove()


def test_it_runs_as_nobody_who_can_write_only_to_its_scratch(inside: Any) -> None:
    assert inside("id -u; id -g").split() == ["65532", "65532"]
    assert (
        inside("touch /tmp/x && (touch /opt/x /usr/x 2>/dev/null || echo refused)") == "refused\n"
    )
    assert inside(f"test -w {PACKAGES} || echo refused") == "refused\n"


def test_its_ffmpeg_takes_old_drivers_and_its_encoder_class_says_which_it_is(
    inside: Any, encoder_class: str
) -> None:
    library = "/usr/lib/x86_64-linux-gnu/libavcodec.so.59"
    assert inside(f"grep -a -c '470[.]57[.]02' {library}").strip() != "0"
    assert "h264_nvenc" in inside("ffmpeg -v error -encoders")
    version = inside("ffmpeg -version").split()[2].partition("-")[0]
    assert encoder_class == f"libx264/{version}/t1"


def test_it_lists_what_it_holds_with_licences(docker: Any, inside: Any) -> None:
    bill = file_of_the_image(docker, "/usr/share/doc/clipline/sbom.cdx.json")
    listed = json.loads(bill)["components"]
    by_ref = {one["purl"].partition("@")[0]: one for one in listed if "purl" in one}
    assert "pkg:deb/debian/ffmpeg" in by_ref
    assert by_ref["pkg:pypi/av"]["licenses"] == [{"license": {"name": "BSD-3-Clause"}}]
    assert {"libx264", "libavcodec"} <= {one["name"] for one in listed if "#" in one["bom-ref"]}
    assert inside("ls /usr/share/doc/clipline /usr/share/doc/ffmpeg").split().count("LICENSE") == 1
    assert "copyright" in inside("ls /usr/share/doc/ffmpeg")


def test_it_holds_nothing_that_the_task_does_not_need(inside: Any) -> None:
    assert inside(f"ls -d {PACKAGES}/pip {PACKAGES}/tests {PACKAGES}/infra 2>/dev/null; true") == ""
    assert inside(f"ls {PACKAGES}/functions").split() == [
        *("__init__.py", "__pycache__", "adapters"),
        *("cloud_settings.py", "errors.py", "settings.py"),
    ]
    assert inside(f"ls {PACKAGES}/schemas").split().count("__init__.py") == 1
    assert inside(f"{PYTHON} -I -m pip --version 2>/dev/null || echo absent") == "absent\n"
