"""A task's scratch folder in memory: made and removed by the hundred, files cost nothing there."""

from pathlib import PosixPath


class MemoryFile(PosixPath):
    """A path in a flat folder whose files live as long as a path of it; `/` leads to a file."""

    __slots__ = ("_files",)

    _files: dict[str, bytes]

    @classmethod
    def folder(cls, name: str) -> "MemoryFile":
        """A new, empty one; the name is only for people."""
        made = cls(name)
        made._files = {}
        return made

    def __truediv__(self, name: object) -> "MemoryFile":
        child: MemoryFile = super().__truediv__(str(name))
        child._files = self._files
        return child

    def with_name(self, name: str) -> "MemoryFile":
        """Another file of the same folder."""
        other: MemoryFile = super().with_name(name)
        other._files = self._files
        return other

    def clear(self) -> None:
        """Nothing is in it any more."""
        self._files.clear()

    def exists(self, **options: bool) -> bool:
        """Whether it was written."""
        return self.name in self._files

    def read_bytes(self) -> bytes:
        """All of it. Raises FileNotFoundError."""
        try:
            return self._files[self.name]
        except KeyError:
            raise FileNotFoundError(f"nothing was written to {self}") from None

    def write_bytes(self, data: object) -> int:
        """All of it anew."""
        self._files[self.name] = content = bytes(data)  # type: ignore[call-overload]  # a buffer
        return len(content)
