"""What may be shown: no secret, and nothing that a terminal would obey."""

import pytest

from harness.errors import DataError
from harness.redaction import printable, redacted, token


def error(got):
    """An error that quotes a file."""
    return DataError(where="file", got=got, expected="b", fix="Mend it.")


@pytest.fixture(autouse=True)
def no_token(monkeypatch):
    """Nobody's own."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"])
def test_a_token_of_the_environment_is_in_no_error(name, monkeypatch):
    """Whatever quotes it."""
    monkeypatch.setenv(name, "hf_abcdefgh")
    assert token() == "hf_abcdefgh"
    assert "hf_abcdefgh" not in str(error("Bearer hf_abcdefgh"))
    assert error("Bearer hf_abcdefgh").got == "Bearer ***"


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"])
def test_an_object_stores_secret_is_in_no_error(name, monkeypatch):
    """An archive's driver reads it, and may quote it."""
    monkeypatch.setenv(name, "TheSecretKey")
    assert error("signed with TheSecretKey").got == "signed with ***"


def test_the_current_name_comes_first(monkeypatch):
    """As the Hub's own client has it."""
    monkeypatch.setenv("HF_TOKEN", "newer-name")
    monkeypatch.setenv("HUGGING_FACE_HUB_TOKEN", "older-name")
    assert token() == "newer-name"


def test_credentials_in_an_address_are_hidden():
    """The host stays, which one needs to know."""
    assert redacted("at https://me:secret@hub.test/a@b") == "at https://***@hub.test/a@b"
    assert redacted("mail me@host.test") == "mail me@host.test"


def test_text_of_a_file_cannot_steer_the_terminal():
    """Escapes, line breaks, marks that turn text round, half characters: spelt out."""
    assert printable("a\x1b[2J\nb\u202ec\ud800") == "a\\x1b[2J\\nb\\u202ec\\ud800"
    assert printable("tab\tñ 日本 🙂") == "tab\tñ 日本 🙂"


def test_an_error_stays_a_paragraph():
    """However long the line that it quotes."""
    assert len(str(error("x" * 10**6))) < 2500
