"""Tokens that Google makes out for a service account: who really pushes, checked here as well.

Pub/Sub, Eventarc and Cloud Scheduler send an OpenID Connect token with every request
(https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions). Cloud Run checks it before
we see it, where `roles/run.invoker` is asked for. Checked again here, it also holds where

- a service was made public by mistake: a forged `render.cancel` would be an ordinary event;
- somebody else has that role, on the project for example: it is given to people and to other
  services, but only the pushers' accounts may say what happened to a render.

Cloud Run's check takes the signature away, so that we could not use the token elsewhere, and puts
`SIGNATURE_REMOVED_BY_GOOGLE` in its place
(https://cloud.google.com/run/docs/troubleshooting#signature-removed). Behind it, what the token
says can be checked and who wrote it cannot: that is the setting `stripped`. Not run against Google
Cloud.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from google.auth import jwt
from google.auth.exceptions import GoogleAuthError, InvalidValue, TransportError
from google.auth.transport import Request

from functions.errors import NotAdmitted, TryAgainLater
from functions.settings import Callers

CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
"""Google's public keys, by key id, as X.509 certificates."""
ISSUERS = frozenset({"https://accounts.google.com", "accounts.google.com"})
REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"
SKEW = timedelta(seconds=10)
"""How far apart Google's clock and ours may be."""
LONGEST_KEPT = timedelta(hours=6)
"""Keys are used for days; Google says by Cache-Control how long to keep them, some hours."""
ASKED_AGAIN = timedelta(minutes=1)
"""The shortest pause between two questions for keys: a forged key id must not make us ask."""
FETCH_LIMIT = timedelta(seconds=5)
_MAX_AGE = re.compile(r"max-age=(\d{1,9})")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Keys:
    by_id: Mapping[str, str]
    asked_at: datetime
    good_until: datetime

    def are_to_be_asked_for(self, key_id: str, now: datetime) -> bool:
        """Google has others by now, or may have the one that is missed."""
        missed = key_id not in self.by_id and now - self.asked_at >= ASKED_AGAIN
        return missed or now >= self.good_until


class GoogleTokens:
    """A Doorkeeper who lets in the accounts that push, for any number of threads."""

    def __init__(
        self,
        callers: Callers,
        *,
        fetch: Request | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`fetch` gets the certificates; by default over HTTPS. `clock` judges those and tokens."""
        self._callers = callers
        self._fetch = fetch
        self._clock = clock
        self._keys: _Keys | None = None
        self._asking = threading.Lock()

    def admit(self, authorization: str | None) -> None:
        """Raises NotAdmitted with what is wrong.

        Raises TryAgainLater while Google's keys cannot be read.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAdmitted("there is no token in the Authorization header")
        claims = self._claims(token.strip())
        _hold(claims, self._callers, self._clock())

    def _claims(self, token: str) -> Mapping[str, object]:
        """What the token says; its signature is checked, unless Cloud Run took it."""
        stripped = token.endswith(f".{REMOVED}")
        if stripped and self._callers.signed:
            raise NotAdmitted(
                "Cloud Run has checked the token and taken its signature away: "
                "set CLIPLINE_PUSH_TOKENS=stripped for services behind its check"
            )
        try:
            if stripped:
                return dict(jwt.decode(token, verify=False))
            keys = self._key(str(jwt.decode_header(token).get("kid")))
            return dict(jwt.decode(token, certs=keys, clock_skew_in_seconds=SKEW.seconds))
        except InvalidValue as error:
            raise NotAdmitted(str(error)) from error
        except (GoogleAuthError, ValueError, TypeError, RecursionError):
            # Not its words, nor whence: they quote the token.
            raise NotAdmitted("no token, or not signed with a key of Google's") from None

    def _key(self, key_id: str) -> Mapping[str, str]:
        """The key of that id. Raises NotAdmitted if Google has none, or TryAgainLater."""
        now = self._clock()
        with self._asking:
            keys = self._keys
            if keys is None or keys.are_to_be_asked_for(key_id, now):
                keys = self._keys = self._asked(now)
        if key_id not in keys.by_id:
            raise NotAdmitted(f"Google has no key {key_id[:80]!r}")
        return {key_id: keys.by_id[key_id]}

    def _asked(self, now: datetime) -> _Keys:
        try:
            return self._fetched(now)
        except (TransportError, ValueError, TypeError) as error:
            if self._keys is not None and now < self._keys.good_until:
                return replace(self._keys, asked_at=now)
            raise TryAgainLater(f"Google's keys cannot be read: {error}") from error

    def _fetched(self, now: datetime) -> _Keys:
        fetch = self._fetch = self._fetch or _https()
        response = fetch(CERTIFICATES, method="GET", timeout=FETCH_LIMIT.total_seconds())
        if response.status != 200:
            raise ValueError(f"{CERTIFICATES} answered {response.status}")
        by_id = {str(key): str(pem) for key, pem in dict(json.loads(response.data)).items()}
        found = _MAX_AGE.search(response.headers.get("cache-control", ""))
        kept = timedelta(seconds=int(found[1])) if found else ASKED_AGAIN
        return _Keys(by_id=by_id, asked_at=now, good_until=now + min(kept, LONGEST_KEPT))


def _https() -> Request:
    from google.auth.transport.requests import Request as Https

    return Https()


def _hold(claims: Mapping[str, object], callers: Callers, now: datetime) -> None:
    """Raises NotAdmitted with the first claim that does not hold."""
    expires = claims.get("exp")
    issuer, audience, account = (str(claims.get(name)) for name in ("iss", "aud", "email"))
    if not isinstance(expires, int) or now.timestamp() > expires + SKEW.seconds:
        raise NotAdmitted(f"the token expired at {expires!r:.80}, seconds since 1970")
    if issuer not in ISSUERS:
        raise NotAdmitted(f"the token was issued by {issuer!r:.200}, not by Google")
    if audience not in callers.audiences:
        raise NotAdmitted(
            f"the token is for {audience!r:.200}, which CLIPLINE_PUSH_AUDIENCES does not name"
        )
    if account not in callers.accounts:
        raise NotAdmitted(
            f"the token is of {account!r:.200}, whom CLIPLINE_PUSH_ACCOUNTS does not name"
        )
    if claims.get("email_verified") is not True:
        raise NotAdmitted(f"Google has not verified that {account!r:.200} is who it says")
