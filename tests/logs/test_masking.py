"""Secrets are struck out of a stream of bytes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.step.logs.masking import Masker, secret_values

if TYPE_CHECKING:
    from pathlib import Path


def masked(secrets: frozenset[str], pieces: list[bytes]) -> bytes:
    """Return what a masker hands on of a stream that comes in pieces."""
    masker = Masker(secrets)
    return b"".join(masker.mask(piece) for piece in pieces) + masker.end()


@given(
    text=st.text("abcdex ", max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=6),
    secret=st.text("abc", min_size=5, max_size=9),
)
def test_where_a_stream_is_cut_changes_nothing(text: str, cuts: list[int], secret: str) -> None:
    """A secret is struck out wherever reads end, and nothing else is touched."""
    whole = f"{text}{secret}{text}".encode()
    places = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in itertools.pairwise(places)]

    assert masked(frozenset({secret}), pieces) == whole.replace(secret.encode(), b"***")


def test_what_is_no_secret_is_handed_on_at_once() -> None:
    """Only what may be the beginning of a secret waits for the next read."""
    masker = Masker(frozenset({"sesame"}))

    assert masker.mask(b"open ses") == b"open "
    assert masker.mask(b"sion\n") == b"session\n"


def test_a_secret_is_known_in_the_spellings_of_logs() -> None:
    """As text, as JSON, as Python's repr and as a part of a URL."""
    pieces = [b'a"b\nc/d', b' "a\\"b\\nc/d"', b" a%22b%0Ac%2Fd"]

    assert masked(frozenset({'a"b\nc/d'}), pieces) == b'*** "***" ***'


def test_a_longer_secret_goes_before_one_it_contains() -> None:
    """No rest of it stays."""
    assert masked(frozenset({"12345", "abc12345xyz"}), [b"abc12345xyz 12345"]) == b"*** ***"


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("API_TOKEN", "t0ken-value", {"t0ken-value"}),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXU", {"wJalrXU"}),
        ("DATABASE", "postgresql://u:horse@db/x", {"horse"}),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token", set()),
        ("STATIONMASTER_SECRETS", "/tmp", set()),  # noqa: S108 (a folder that is there)
        ("MONKEY", "banana", set()),
        ("SECRET_MODE", "false", set()),
        ("PIN_TOKEN", "123", set()),
    ],
)
def test_which_variables_are_secret(
    name: str, value: str, secret: set[str], tmp_path: Path
) -> None:
    """Names that look secret, and passwords in URIs; no paths, no words of every day."""
    assert secret_values(tmp_path, {name: value}) == secret


def test_a_secret_file_that_is_renewed_is_learned(tmp_path: Path) -> None:
    """What was secret before stays struck out, what is now is so too."""
    masker = Masker(frozenset({"old-secret"}))
    (tmp_path / "key").write_text("new-secret\n")
    masker.learn(secret_values(tmp_path, {}))

    assert masker.mask(b"old-secret new-secret\n") == b"*** ***\n"
