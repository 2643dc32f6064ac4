"""A fault that is planted into `infra/gcp`: an edit of a file, or something at its end."""

import zlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planted fault; without `old` it is added at the end."""

    what: str
    file: str
    old: str = ""
    new: str
    found_by: str
    """A policy, or `validate`."""
    words: str
    """Part of the sentence in which it is found."""

    def plant(self, folder: Path) -> None:
        """Edit the file. Raises ValueError where there is nothing of the kind to edit."""
        path = folder / self.file
        text = path.read_text()
        if self.old not in text:
            raise ValueError(f"{self.file} has no {self.old!r}: the fault '{self.what}' is stale")
        path.write_text(text.replace(self.old, self.new, 1) if self.old else text + self.new)


def resource(kind: str, **values: str) -> str:
    """A resource of its own."""
    lines = "".join(f"  {name} = {value}\n" for name, value in values.items())
    name = f"planted_{zlib.crc32(lines.encode())}"
    return f'\nresource "google_{kind}" "{name}" {{\n{lines}}}\n'
