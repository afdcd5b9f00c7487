"""The configuration: what would be passed over or break later is refused at once, by name and in a line."""

import os
from pathlib import Path

import pytest

from app import config

TOP = 'secrets = ["0123456789abcdef"]\n'


def refusal(folder: Path, text: str) -> str:
    file = folder / "tidings.toml"
    file.write_text(TOP + text, "utf-8")
    with pytest.raises(config.ConfigError) as caught:
        config.load(file)
    says = str(caught.value)
    assert "\n" not in says
    return says


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ('[listen]\ntrusted = ["nonsense"]', "listen.trusted.0", "is no address or network"),
        ('[listen]\ntrusted = ["192.0.2.1/24"]', "listen.trusted.0", "host bits"),
        ('[listen.tls]\ncertificate = "cert.pem"', "listen.tls", "belong together"),
        ('[listen.tls]\nkey = "key.pem"', "listen.tls", "belong together"),
        ("[listen]\nrequire_tls = true", "listen", "need a certificate"),
        ('[[relay]]\nclient_key = "key.pem"', "relay.0", "needs client_certificate"),
        ('[web]\ntrusted = ["everybody"]', "web.trusted.0", "is no address or network"),
        ('[web]\nbase_url = "tidings.example.org"', "web.base_url", "does not begin with https://"),
        ('[core]\nalerts = ["nobody at all"]', "core.alerts.0", "is no mail address"),
        ("[listen]\nmax_octets = 1", "listen.max_octets", "did you mean max_bytes"),
        ("[[relay]]\nttls = 1", "relay.0.ttls", "did you mean tls"),
        ("[webb]\nport = 1", "webb", "did you mean web"),
        ("[listen", "tidings.toml", "is no TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, where: str, what: str) -> None:
    says = refusal(tmp_path, text)
    assert where in says
    assert what in says


def test_a_database_of_another_kind(tmp_path: Path) -> None:
    assert "begins with sqlite:///" in refusal(tmp_path, 'database = "tidings.sqlite"')


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("TIDINGS_DATABSE", "postgresql://x", "did you mean TIDINGS_DATABASE"),
        ("TIDINGS_LISTEN__PRT", "25", "did you mean port"),
        ("TIDINGS_SECRETS", "no list", "TIDINGS_SECRETS: it is no JSON"),
    ],
)
def test_a_slip_in_the_environment_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str
) -> None:
    monkeypatch.setenv(name, value)
    assert what in refusal(tmp_path, "")


def test_the_encoding_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tidings.toml"
    file.write_bytes(b"\xef\xbb\xbf" + TOP.encode())
    assert config.load(file).listen.port == 2525
    file.write_text(TOP + "# Straße", "latin-1")
    with pytest.raises(config.ConfigError, match="is not UTF-8"):
        config.load(file)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    file = tmp_path / "tidings.toml"
    file.write_text(TOP)
    file.chmod(0)
    with pytest.raises(config.ConfigError, match="cannot be read: Permission denied"):
        config.load(file)
