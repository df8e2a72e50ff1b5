"""A client's name <-> a signed token that proves it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import jwt

from vesselflow.core.errors import InvalidToken

#: Fixed here and never read from the token: a token that names another one, or "none", is refused.
ALGORITHM: Final = "HS256"
ISSUER: Final = "vesselflow"
AUDIENCE: Final = "vesselflow-web"
#: The width of `client_id` in every table.
LONGEST_CLIENT_ID: Final = 255


@dataclass(frozen=True, slots=True)
class Access:
    """Who a token speaks for, and until when (seconds UTC)."""

    client_id: str
    until_s: float


def make_token(secret: str, client_id: str, ttl_s: float) -> str:
    """Return a token that speaks for *client_id* for the next *ttl_s* seconds.

    Raises:
        InvalidToken: *client_id* is empty or longer than its column.
    """
    if not 1 <= len(client_id) <= LONGEST_CLIENT_ID:
        raise InvalidToken(f"expected a client of 1 to {LONGEST_CLIENT_ID} characters, got {len(client_id)}")
    now_s = time.time()
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": client_id, "iat": int(now_s), "exp": int(now_s + ttl_s)}
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def read_token(secret: str, token: str) -> Access:
    """Return what *token* grants.

    Raises:
        InvalidToken: the signature, algorithm, issuer, audience, subject or expiry is not as expected.
    """
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            options={"require": ["iss", "aud", "sub", "exp"]},
        )
    except jwt.ExpiredSignatureError:
        raise InvalidToken("expected a token that is still good, got one that has expired") from None
    except jwt.InvalidTokenError as error:
        # PyJWT's sentences name what is wrong and never the token.
        raise InvalidToken(f"expected a token of this deployment: {error}") from None
    client_id = claims["sub"]
    if not 1 <= len(client_id) <= LONGEST_CLIENT_ID:
        raise InvalidToken(f"expected a client of 1 to {LONGEST_CLIENT_ID} characters, got {len(client_id)}")
    return Access(client_id, float(claims["exp"]))


def verify_token(secret: str, token: str) -> str:
    """Return the client that *token* speaks for.

    Raises:
        InvalidToken: as `read_token`.
    """
    return read_token(secret, token).client_id
