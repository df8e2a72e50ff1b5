import time
from typing import Any

import jwt
import pytest

from tests.web.standins import SECRET
from vesselflow.core.errors import InvalidToken
from vesselflow.web.tokens import make_token, read_token, verify_token

GOOD = {"iss": "vesselflow", "aud": "vesselflow-web", "sub": "alpha", "exp": 4_102_444_800}


def signed(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256") -> str:
    return jwt.encode(claims, secret, algorithm=algorithm)


def test_a_token_speaks_for_the_client_it_was_made_for() -> None:
    assert verify_token(SECRET, make_token(SECRET, "alpha", ttl_s=60)) == "alpha"


def test_a_token_tells_until_when_it_is_good() -> None:
    access = read_token(SECRET, make_token(SECRET, "alpha", ttl_s=3600))

    assert access.until_s == pytest.approx(time.time() + 3600, abs=5)


def test_an_expired_token_is_refused() -> None:
    with pytest.raises(InvalidToken, match="expired"):
        verify_token(SECRET, make_token(SECRET, "alpha", ttl_s=-1))


def test_a_token_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(InvalidToken, match="Signature"):
        verify_token(SECRET, signed(GOOD, "another secret that is just as long as ours"))


@pytest.mark.parametrize("claim", sorted(GOOD))
def test_a_token_without_a_claim_is_refused(claim: str) -> None:
    with pytest.raises(InvalidToken, match=claim):
        verify_token(SECRET, signed({name: value for name, value in GOOD.items() if name != claim}))


@pytest.mark.parametrize(("claim", "value"), [("iss", "elsewhere"), ("aud", "another-service"), ("sub", "")])
def test_a_token_with_a_foreign_claim_is_refused(claim: str, value: str) -> None:
    with pytest.raises(InvalidToken):
        verify_token(SECRET, signed(GOOD | {claim: value}))


def test_a_token_that_names_no_algorithm_is_refused() -> None:
    with pytest.raises(InvalidToken, match="alg"):
        verify_token(SECRET, signed(GOOD, "", "none"))


def test_a_token_that_names_another_algorithm_is_refused() -> None:
    with pytest.raises(InvalidToken, match="alg"):
        verify_token(SECRET, signed(GOOD, "x" * 64, "HS512"))


def test_what_is_no_token_is_refused() -> None:
    with pytest.raises(InvalidToken):
        verify_token(SECRET, "no token")


@pytest.mark.parametrize("client_id", ["", "x" * 256])
def test_no_token_is_made_for_a_name_that_fits_no_column(client_id: str) -> None:
    with pytest.raises(InvalidToken, match="1 to 255"):
        make_token(SECRET, client_id, ttl_s=60)
