"""Who may call: with keys made here, and certificates handed over as Google's would be."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt
from google.auth.exceptions import TransportError
from google.auth.transport import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.google_tokens import REMOVED, GoogleTokens
from functions.adapters.open_door import OpenDoor
from functions.errors import NotAdmitted, NotConfigured, TryAgainLater
from functions.settings import Callers, callers

PUSHER = "clipline-pusher@p.iam.gserviceaccount.com"
URL = "https://on-result-1.us-central1.run.app"
CALLERS = Callers(accounts=frozenset({PUSHER}), audiences=frozenset({URL, "clipline"}), signed=True)


class Key:
    """A key pair, with its public half in a certificate as Google hands them out."""

    def __init__(self, id: str) -> None:
        self.id = id
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._signer = crypt.RSASigner.from_string(private, id)

    def token(self, **claims: object) -> str:
        """A token that is all right but for these claims."""
        encoded: bytes = jwt.encode(self._signer, ordinary() | claims)
        return encoded.decode()


def ordinary() -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "iss": "https://accounts.google.com",
        "aud": URL,
        "email": PUSHER,
        "email_verified": True,
        "sub": "113774264463038321964",
        "azp": "113774264463038321964",
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(hours=1)).timestamp()),
    }


@dataclass
class Google(Request):
    """Where certificates come from: hands out the keys that it has, and counts the questions."""

    keys: list[Key] = field(default_factory=list)
    cache_control: str = "public, max-age=20000, must-revalidate, no-transform"
    status: int = 200
    asked: int = 0

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **kwargs: object,
    ) -> Response:
        self.asked += 1
        assert url == "https://www.googleapis.com/oauth2/v1/certs"
        assert timeout is not None
        if self.status == 0:
            raise TransportError("no route to host")
        certificates = {key.id: key.certificate for key in self.keys}
        return Answer(self.status, {"cache-control": self.cache_control}, certificates)


class Answer(Response):
    """One answer of the stand-in."""

    def __init__(self, status: int, headers: Mapping[str, str], value: object) -> None:
        self._status, self._headers, self._value = status, headers, value

    @property
    def status(self) -> int:
        return self._status

    @property
    def headers(self) -> Mapping[str, str]:
        return self._headers

    @property
    def data(self) -> bytes:
        return json.dumps(self._value).encode()


@dataclass
class Clock:
    """Now, unless it is set forward."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def key() -> Key:
    return Key("key-1")


@pytest.fixture(scope="module")
def other_key() -> Key:
    return Key("key-2")


@pytest.fixture
def google(key: Key) -> Google:
    return Google([key])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def door(google: Google, clock: Clock) -> GoogleTokens:
    return GoogleTokens(CALLERS, fetch=google, clock=clock)


def unsigned(**claims: object) -> str:
    """As anybody can write one."""
    parts = ({"alg": "none", "typ": "JWT"}, ordinary() | claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts)
    return b".".join((*encoded, b"")).decode()


def stripped(token: str) -> str:
    """As Cloud Run's own check leaves it."""
    return f"{token.rpartition('.')[0]}.{REMOVED}"


@pytest.mark.parametrize("audience", [URL, "clipline"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_pusher_is_let_in(door: GoogleTokens, key: Key, audience: str, scheme: str) -> None:
    door.admit(f"{scheme} {key.token(aud=audience)}")


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"aud": "https://elsewhere.run.app"}, "CLIPLINE_PUSH_AUDIENCES does not name"),
        ({"aud": [URL]}, "CLIPLINE_PUSH_AUDIENCES does not name"),
        ({"aud": None}, "CLIPLINE_PUSH_AUDIENCES does not name"),
        ({"email": "someone@p.iam.gserviceaccount.com"}, "CLIPLINE_PUSH_ACCOUNTS does not name"),
        ({"email": None}, "CLIPLINE_PUSH_ACCOUNTS does not name"),
        ({"email_verified": False}, "has not verified"),
        ({"email_verified": "true"}, "has not verified"),
        ({"iss": "https://accounts.example.com"}, "not by Google"),
        ({"iat": 1_700_000_000, "exp": 1_700_003_600}, "expired"),
        ({"iat": 9_000_000_000, "exp": 9_000_003_600}, "too early"),
        ({"exp": None}, "no token"),
        ({"exp": "soon"}, "no token"),
    ],
)
def test_a_token_that_says_something_else_is_refused(
    door: GoogleTokens, key: Key, claims: dict[str, object], words: str
) -> None:
    with pytest.raises(NotAdmitted, match=words):
        door.admit(f"Bearer {key.token(**claims)}")


def test_a_token_that_expired_by_our_clock_is_refused(
    door: GoogleTokens, key: Key, clock: Clock
) -> None:
    token = key.token()
    clock.ahead = timedelta(hours=2)
    with pytest.raises(NotAdmitted, match="expired"):
        door.admit(f"Bearer {token}")


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic cHVzaGVyOng=", "token", "Bearer a.b"]
)
def test_a_request_without_a_token_is_refused(door: GoogleTokens, header: str | None) -> None:
    with pytest.raises(NotAdmitted):
        door.admit(header)


def test_a_token_that_nobody_signed_is_refused(door: GoogleTokens, key: Key) -> None:
    for token in (unsigned(), unsigned(kid=key.id), f"{key.token().rpartition('.')[0]}."):
        with pytest.raises(NotAdmitted):
            door.admit(f"Bearer {token}")


def test_a_token_that_another_signed_is_refused(
    door: GoogleTokens, key: Key, other_key: Key
) -> None:
    with pytest.raises(NotAdmitted, match="Google has no key 'key-2'"):
        door.admit(f"Bearer {other_key.token()}")
    impostor = Key(key.id)
    with pytest.raises(NotAdmitted, match="not signed"):
        door.admit(f"Bearer {impostor.token()}")


@given(header=st.text() | st.text("abcABC.-_=", max_size=40).map("Bearer {}".format))
def test_whatever_the_header_holds_it_is_refused(header: str) -> None:
    with pytest.raises(NotAdmitted):
        GoogleTokens(CALLERS, fetch=Google()).admit(header)


def test_a_refusal_never_quotes_the_token(door: GoogleTokens, key: Key) -> None:
    for token in (key.token(email="x@y"), "aaaa.bbbb", "aaaa.bbbb.cccc", unsigned()):
        with pytest.raises(NotAdmitted) as caught:
            door.admit(f"Bearer {token}")
        assert not any(part in str(caught.value) for part in token.split(".") if part)
        assert caught.value.__cause__ is None or token not in str(caught.value.__cause__)


def test_behind_cloud_runs_own_check_what_it_says_still_counts(key: Key, google: Google) -> None:
    door = GoogleTokens(replace(CALLERS, signed=False), fetch=google)
    door.admit(f"Bearer {stripped(key.token())}")
    door.admit(f"Bearer {key.token()}")
    for claims in ({"aud": "x"}, {"email": "x@y"}, {"exp": 1_700_003_600}, {"iss": "x"}):
        with pytest.raises(NotAdmitted):
            door.admit(f"Bearer {stripped(key.token(**claims))}")
    with pytest.raises(NotAdmitted):
        door.admit(f"Bearer {unsigned()}")


def test_a_signature_that_was_taken_away_is_refused_unless_that_is_set(
    door: GoogleTokens, key: Key
) -> None:
    with pytest.raises(NotAdmitted, match="CLIPLINE_PUSH_TOKENS=stripped"):
        door.admit(f"Bearer {stripped(key.token())}")


def test_keys_are_kept_as_long_as_google_says(
    door: GoogleTokens, key: Key, google: Google, clock: Clock
) -> None:
    for _ in range(5):
        door.admit(f"Bearer {key.token()}")
    assert google.asked == 1
    clock.ahead = timedelta(seconds=20_001)
    door.admit(f"Bearer {key.token(exp=int(clock().timestamp()) + 60)}")
    assert google.asked == 2


def test_a_new_key_is_asked_for_and_a_forged_key_id_does_not_ask_every_time(
    door: GoogleTokens, key: Key, other_key: Key, google: Google, clock: Clock
) -> None:
    door.admit(f"Bearer {key.token()}")
    for _ in range(5):
        with pytest.raises(NotAdmitted):
            door.admit(f"Bearer {other_key.token()}")
    assert google.asked == 1
    google.keys.append(other_key)
    clock.ahead = timedelta(minutes=1)
    door.admit(f"Bearer {other_key.token()}")
    assert google.asked == 2


@pytest.mark.parametrize("status", [0, 503])
def test_while_keys_cannot_be_read_nobody_is_refused_for_good(
    door: GoogleTokens, key: Key, other_key: Key, google: Google, clock: Clock, status: int
) -> None:
    google.status = status
    with pytest.raises(TryAgainLater):
        door.admit(f"Bearer {key.token()}")
    google.status = 200
    door.admit(f"Bearer {key.token()}")
    google.status = status
    clock.ahead = timedelta(minutes=2)
    door.admit(f"Bearer {key.token()}")
    with pytest.raises(NotAdmitted):
        door.admit(f"Bearer {other_key.token()}")


def test_the_laptop_asks_nobody() -> None:
    assert callers({}) is None
    assert callers({"CLIPLINE_PLACE": "laptop"}) is None
    OpenDoor().admit(None)


def test_anywhere_else_tokens_are_asked_for_unless_switched_off_explicitly() -> None:
    known = {
        "CLIPLINE_PLACE": "cloud",
        "CLIPLINE_PUSH_ACCOUNTS": PUSHER,
        "CLIPLINE_PUSH_AUDIENCES": f"{URL}, clipline,",
    }
    assert callers(known) == CALLERS
    assert callers(known | {"CLIPLINE_PUSH_TOKENS": "stripped"}) == replace(CALLERS, signed=False)
    assert callers(known | {"CLIPLINE_PUSH_TOKENS": "unchecked"}) is None
    for name, value in (
        ("CLIPLINE_PUSH_TOKENS", "off"),
        ("CLIPLINE_PUSH_ACCOUNTS", " , "),
        ("CLIPLINE_PUSH_AUDIENCES", ""),
    ):
        with pytest.raises(NotConfigured, match=name):
            callers(known | {name: value})
