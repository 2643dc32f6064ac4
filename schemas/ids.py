"""Who a render is: identity derived from the upload, so that a repeat names the same render."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

DEFAULT_TENANT = "default"
SIDECAR_SUFFIX = ".render.json"
_EXECUTION = re.compile(r"(?P<render>[a-z][a-z0-9-]*)-(?P<attempt>\d{4,})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One generation of one uploaded object, and the revision of what is asked of it.

    `revision` is 0 for the upload itself, the sidecar's generation for a request made by a
    sidecar, and one more than the failed request's for a replay with another spec: it needs no
    counter, and a repeat of either names the same render.
    """

    bucket: str
    name: str
    generation: int
    revision: int = 0

    @property
    def tenant(self) -> str:
        """The first path segment, or `default` where there is none before a slash."""
        return tenant_of(self.name)

    @property
    def stem(self) -> str:
        """The name below the tenant, without the last extension: `a/b/clip.mp4` gives `b/clip`."""
        _, slash, rest = self.name.partition("/")
        path = rest if slash else self.name
        folder, _, leaf = path.rpartition("/")
        base, dot, _ = leaf.rpartition(".")
        leaf = base if dot and base else leaf
        return f"{folder}/{leaf}" if folder else leaf

    @property
    def age_key(self) -> tuple[int, int]:
        """Orders the requests made of one upload name: a larger key supersedes a smaller one."""
        return (self.generation, self.revision)


def tenant_of(name: str) -> str:
    """Whose upload of that name it is."""
    head, slash, _ = name.partition("/")
    return head if slash and head else DEFAULT_TENANT


def render_id(upload: Upload) -> str:
    """The render's id: `r-` and 20 hex digits of a digest over bucket, name, generation, revision.

    Never derived from a message id: one upload may arrive as several messages
    (https://cloud.google.com/storage/docs/pubsub-notifications, at-least-once).
    """
    parts = (upload.bucket, upload.name, str(upload.generation), str(upload.revision))
    return f"r-{digest(*parts)[:20]}"


def execution_id(render: str, attempt: int) -> str:
    """One name an attempt, whoever launches it: where names are ours to choose, it runs once."""
    return f"{render}-{attempt:04}"


def attempt_of(execution: str) -> tuple[str, int] | None:
    """The render and the attempt that such a name tells; None of any other execution."""
    match = _EXECUTION.fullmatch(execution)
    return (match["render"], int(match["attempt"])) if match else None


@lru_cache(maxsize=1024)
def digest(*parts: str) -> str:
    """SHA-256 over the parts, each with its length, so that no two lists of parts collide.

    The last ones are remembered: a task names the same few pieces all its life.
    """
    data = [part.encode() for part in parts]
    return hashlib.sha256(b"".join(b"%d:%b" % (len(one), one) for one in data)).hexdigest()


def short(render: str) -> str:
    """The first digits of a render id, for people: `r-7f3a`. The command line takes prefixes."""
    return render[:6]
