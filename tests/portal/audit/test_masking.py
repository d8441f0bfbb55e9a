"""No secret gets into the audit, wherever it stands."""

import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.audit import masking
from portal.audit.masking import MASK


def test_names_that_speak_of_a_secret_at_every_depth() -> None:
    given = {
        "api_token": "abc",
        "name": "x",
        "list": [{"Client-Secret": "abc", "kept": 1}, {"kubeconfig": {"users": ["abc"]}}],
        "deep": {"a": {"b": {"private_key": "abc"}}},
        "env": [{"name": "DB_PASSWORD", "value": "abc"}, {"name": "PORT", "value": "80"}],
        "password_is_one_time": True,
    }
    kept = masking.masked(given)
    assert kept == {
        "api_token": MASK,
        "name": "x",
        "list": [{"Client-Secret": MASK, "kept": 1}, {"kubeconfig": MASK}],
        "deep": {"a": {"b": {"private_key": MASK}}},
        "env": [{"name": "DB_PASSWORD", "value": MASK}, {"name": "PORT", "value": "80"}],
        "password_is_one_time": True,
    }


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer CANARY0123456789",
        "see https://ann:CANARY0123456789@example.org/x",
        "eyJhbGciOiJIUzI1.CANARY0123456789abc.sig",
        "token=CANARY0123456789 and more",
        'it said {"client_secret": "CANARY0123456789"}',
        "-----BEGIN EC PRIVATE KEY-----\nCANARY0123456789\n-----END EC PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nCANARY0123456789 cut",
        "ghp_CANARY0123456789abcd",
    ],
)
def test_secrets_inside_of_texts(text: str) -> None:
    assert "CANARY" not in str(masking.masked({"reason": f"before {text} after"}))
    assert "CANARY" not in masking.label(text, 300)


def test_what_is_kept_is_bounded_and_readable() -> None:
    deep: Any = "x"
    for _ in range(50):
        deep = {"a": deep}
    kept = masking.masked(
        {
            "long": "y" * 10_000,
            "many": list(range(1_000)),
            "deep": deep,
            "when": datetime(2026, 1, 2, tzinfo=UTC),
            "amount": Decimal("1.50"),
            "id": uuid.UUID(int=7),
            "bytes": b"secret",
            "turned": "a\u202eb\x00c\nd",
        }
    )
    assert kept is not None
    assert len(kept["long"]) == masking.LONGEST_TEXT
    assert len(kept["many"]) == masking.MOST_ITEMS + 1
    assert str(kept["deep"]).count("a") <= masking.DEEPEST
    assert kept["when"] == "2026-01-02T00:00:00+00:00"
    assert (kept["amount"], kept["id"], kept["bytes"]) == ("1.50", str(uuid.UUID(int=7)), MASK)
    assert kept["turned"] == "abc d"


@pytest.mark.parametrize("text", ["password-" * 5000, "a-" * 20000, "token" * 8000, "eyJ-" * 10000, "a= " * 10000])
def test_long_texts_are_masked_in_time(text: str) -> None:
    begun = time.monotonic()
    masking.masked({"note": text})
    assert time.monotonic() - begun < 1
