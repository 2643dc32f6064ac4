"""Another spec for what failed, as a JSON merge patch over its own: that is another render.

Of the same upload, with a plan, pieces and outputs of its own; the failed one stays as it is
(docs/decisions/0038-another-spec-is-another-render.md).
"""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from functions.core.plan import make_plan
from functions.core.render import Render
from functions.facts import folder_of
from functions.ports import RenderStore
from schemas.events import InsteadOf, RenderRequested, SpecSource
from schemas.ids import Upload, render_id
from schemas.spec import LONGEST_SPEC, parse_spec
from schemas.spec_fields import SpecFault, decoded


def patch_of(text: str) -> str:
    """The patch as a plan holds it. Raises SpecFault for what changes nothing or is none."""
    if len(text) > LONGEST_SPEC:
        raise SpecFault("patch", f"{len(text)} characters long", f"at most {LONGEST_SPEC}")
    if not (patch := _object(text, "patch")):
        raise SpecFault("patch", "{}", "a JSON object that changes something")
    return _text(patch)


def patched(spec: str | None, patch: str) -> str:
    """The text of the spec with the patch over it. Raises SpecFault where the spec is no object."""
    try:
        return _text(_merged(_object(spec or "{}", "spec"), json.loads(patch)))
    except RecursionError:
        raise SpecFault("spec", "nested too deeply", "a JSON object") from None


def instead(render: Render, patch: str, renders: RenderStore) -> Render:
    """The render that would be opened in its place, planned. Raises SpecFault if none can be.

    It has looked at nothing new: files that the patch names must have been named before.
    """
    assert render.media is not None, "what was never looked at is not asked for"
    upload = _upload(render)
    id, text = render_id(upload), patched(render.spec_text, patch)
    plan = make_plan(
        upload,
        render.media,
        parse_spec(text),
        folder=folder_of(upload, id, renders),
        assets=render.assets,
    )
    return replace(render, id=id, upload=upload, spec_text=text, plan=plan, outputs=())


def request(render: Render, patch: str, why: InsteadOf, at: datetime) -> RenderRequested:
    """What opens that render: said again with the same words, it opens nothing twice."""
    assert render.media is not None, "what was never looked at is not asked for"
    return RenderRequested(
        upload=_upload(render),
        media=render.media,
        spec_source=SpecSource.REPLAY,
        spec_text=patched(render.spec_text, patch),
        at=at,
        assets=render.assets,
        instead_of=why,
    )


def _upload(render: Render) -> Upload:
    """Newer than the failed one, and older than any sidecar that comes later."""
    return replace(render.upload, revision=render.upload.revision + 1)


def _object(text: str, what: str) -> dict[str, Any]:
    if not isinstance(decoded(text if text.strip() else "{}"), dict):
        raise SpecFault(what, text.strip(), "a JSON object")
    found: dict[str, Any] = json.loads(text if text.strip() else "{}")
    return found


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _merged(target: object, patch: object) -> object:
    """RFC 7396: objects are merged field by field, null removes, all else takes its place."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for field, value in patch.items():
        if value is None:
            merged.pop(field, None)
        else:
            merged[field] = _merged(merged.get(field), value)
    return merged
