"""Families of values that are told apart in JSON by a field named `kind`."""

from typing import Any, Self


class Tagged:
    """Base of a family: each member is a dataclass whose `kind` field has a constant default.

    A field annotated with the family's base is written as its member and read back as one.
    """

    __slots__ = ()

    @classmethod
    def member(cls, kind: object) -> type[Self]:
        """The member of that kind. Raises ValueError if the family has none."""
        # Newest first: a dataclass with slots is made anew, and its draft is listed before it.
        for one in reversed(cls.__subclasses__()):
            spec: Any = getattr(one, "__dataclass_fields__", {}).get("kind")
            if spec is not None and spec.default == kind:
                return one
        raise ValueError(f"{cls.__name__} has no kind {kind!r}")
