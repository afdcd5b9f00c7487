"""The configuration: one TOML file, then the environment (`TIDINGS_...`), checked before anything starts.

`load` raises `ConfigError` with the name of the setting, what is wrong and what is allowed.
"""

import json
import os
import re
import stat
import tomllib
from importlib.resources.abc import Traversable
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from flows.engine import nearest
from mailer import address

DEFAULT_FILE = "tidings.toml"
PERSON = r"[\w.@+-]{0,64}"
GENERATION_FILE = "tidings.generation"
_FILE = "sqlite:///"
PREFIX = "TIDINGS_"
BESIDES = frozenset(("TIDINGS_CONFIG", "TIDINGS_FAILPOINT"))  # in the environment, and no settings


class ConfigError(Exception):
    """The configuration cannot be used; the message says where and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is no address or network: {error}") from error


def _mail_address(value: str) -> str:
    try:
        address.parse(value)
    except address.AddressError as error:
        raise ValueError(f"{value!r} is no mail address") from error
    return value


def _link(value: str) -> str:
    if value and not value.lower().startswith(("https://", "http://")):
        raise ValueError(f"{value!r} does not begin with https:// (or http://)")
    return value


def _database(value: str) -> str:
    if not value.startswith((_FILE, "postgresql://")):
        raise ValueError("it begins with sqlite:/// (then a file) or postgresql:// (then USER:PASSWORD@HOST/NAME)")
    return value


Network = Annotated[str, AfterValidator(_network)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]


class Tls(_Part):
    """A certificate and its key, as PEM files; read again when they change."""

    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        """Half of a pair would mean no TLS at all, and nobody would notice."""
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key belong together: set both or none")
        return self


class Listen(_Part):
    """The inbound listener."""

    host: str = "127.0.0.1"
    port: int = Field(default=2525, ge=0, le=65535)
    hostname: str = ""
    protocol: Literal["smtp", "lmtp"] = "smtp"
    implicit_tls: bool = False
    require_tls: bool = False
    reuse_port: bool = False
    max_bytes: int = Field(default=25 * 1024 * 1024, ge=1024)
    max_connections: int = Field(default=500, ge=1)
    max_per_address: int = Field(default=50, ge=1)
    max_recipients: int = Field(default=100, ge=1)
    mails_per_minute: int = Field(default=600, ge=1)
    trusted: list[Network] = Field(default_factory=lambda: ["127.0.0.0/8", "::1/128"])
    xforward: bool = False  # believe what those tell of their clients
    auth_servers: list[str] = Field(default_factory=list)  # authserv-ids believed in mail from `trusted` (RFC 8601)
    authenticate: bool = True  # check SPF, DKIM and DMARC ourselves where no such server did
    tls: Tls = Tls()

    @model_validator(mode="after")
    def _certified(self) -> Self:
        if (self.implicit_tls or self.require_tls) and self.tls.certificate is None:
            raise ValueError("implicit_tls and require_tls need a certificate: set tls.certificate and tls.key")
        return self


class Dns(_Part):
    """Where questions to the DNS go: `address` or `address:port`; empty: what the machine is set up with."""

    servers: list[str] = Field(default_factory=list)


class Relay(_Part):
    """A smart host that takes our outgoing mail."""

    host: str = "127.0.0.1"
    port: int = Field(default=25, ge=1, le=65535)
    tls: Literal["none", "opportunistic", "required", "implicit"] = "opportunistic"
    verify: bool = True
    requiretls: bool = False
    ca_file: Path | None = None
    user: str = ""
    password: SecretStr = SecretStr("")
    client_certificate: Path | None = None
    client_key: Path | None = None
    weight: int = Field(default=1, ge=0)

    @model_validator(mode="after")
    def _certified(self) -> Self:
        if self.client_key is not None and self.client_certificate is None:
            raise ValueError("client_key needs client_certificate")
        return self


class Send(_Part):
    """The outgoing side."""

    connections: int = Field(default=10, ge=1, le=200)
    processes: int = Field(default=0, ge=0, le=64)  # 0: one for each core, four at most
    hostname: str = ""
    lease_minutes: int = Field(default=60, ge=60)
    give_up_days: float = Field(default=4, gt=0)
    max_per_connection: int = Field(default=100, ge=1)
    per_minute: int = Field(default=0, ge=0)  # mails, over all workers; 0: as fast as the smart host takes them
    domains: dict[str, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)  # the same, to one domain

    @field_validator("domains")
    @classmethod
    def _names(cls, value: dict[str, int]) -> dict[str, int]:
        """Domains as the outbox knows them."""
        return {address.key(f"x@{name}").partition("@")[2]: limit for name, limit in value.items()}


class Dkim(_Part):
    """A signing key: selector, algorithm by the key itself."""

    selector: str
    key: Path
    domain: str = ""


WATCHERS = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


class Log(_Part):
    """What the running service writes to standard error."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"


class Web(_Part):
    """Pages: the desk, signed links, the one-click endpoint."""

    host: str = "127.0.0.1"
    port: int = Field(default=8025, ge=0, le=65535)
    base_url: Annotated[str, AfterValidator(_link)] = "http://127.0.0.1:8025"
    trusted: list[Network] = Field(default_factory=lambda: ["127.0.0.1", "::1"])  # reverse proxies
    watchers: list[IPvAnyNetwork] = Field(default_factory=lambda: [ip_network(one) for one in WATCHERS])


class Core(_Part):
    """The core team: whom to wake, who acts at this command line, and whether a second person approves."""

    alerts: list[MailAddress] = Field(default_factory=list)
    person: str = Field(default="", pattern=f"^{PERSON}$")
    second_person: bool = False


class Retain(_Part):
    """How many days what is personal is kept, by class."""

    mail_days: int = Field(default=180, ge=1)
    report_days: int = Field(default=30, ge=1)
    letter_days: int = Field(default=180, ge=1)
    wording_days: int = Field(default=730, ge=1)
    private_days: int = Field(default=730, ge=1)
    left_days: int = Field(default=90, ge=30)


class Config(BaseSettings):
    """All settings with their defaults."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid")

    database: Annotated[str, AfterValidator(_database)] = "sqlite:///tidings.sqlite"
    secrets: list[SecretStr] = Field(min_length=1)  # newest first; older ones still read tokens
    process: str = ""  # the process that commands mean when they do not say
    clock_file: Path | None = None
    tick_seconds: float = Field(default=10, gt=0)
    generation_file: Path | None = None
    listen: Listen = Listen()
    dns: Dns = Dns()
    relay: list[Relay] = Field(default_factory=lambda: [Relay()], min_length=1)
    send: Send = Send()
    dkim: list[Dkim] = Field(default_factory=list)  # keys made by hand, beside those of `tidings dkim`
    dkim_keys: Path = Path("dkim")  # the folder of `tidings dkim`
    web: Web = Web()
    log: Log = Log()
    core: Core = Core()
    retain: Retain = Retain()

    @property
    def database_file(self) -> Path | None:
        """The file of an embedded database, or None."""
        return Path(self.database.removeprefix(_FILE)) if self.database.startswith(_FILE) else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment beats the file; there are no other sources."""
        del init_settings, dotenv_settings, file_secret_settings
        return env_settings, _Toml(settings_cls)


class _Toml(TomlConfigSettingsSource):
    """A file that may begin with a mark of its encoding, as some editors write it."""

    def _read_file(self, file_path: Path | Traversable) -> dict[str, Any]:
        return tomllib.loads(file_path.read_text("utf-8-sig"))


def find(path: Path | None) -> Path:
    """The file to use: the one named, `TIDINGS_CONFIG`, or `tidings.toml` here."""
    named = path or (Path(os.environ["TIDINGS_CONFIG"]) if os.environ.get("TIDINGS_CONFIG") else None)
    return named or Path(DEFAULT_FILE)


def load(path: Path | None = None) -> Config:
    """Read and check the configuration; relative paths in it count from its folder."""
    file = find(path)
    if not file.is_file():
        raise ConfigError(
            f"there is no configuration at {file}: make one with `tidings init`, or name it with --config"
        )

    _known_in_environment()

    class Located(Config):
        model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", toml_file=file)

    try:
        config = Located()
    except ValidationError as error:
        raise ConfigError(f"{file}: " + "; ".join(_complaint(e) for e in error.errors())) from error
    except SettingsError as error:
        name = re.search(r'field "(\w+)"', str(error))
        where = f"TIDINGS_{name[1].upper()}" if name else "the environment"
        raise ConfigError(f"{where}: it is no JSON; lists are written as '[\"...\"]'") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8: {error.reason} at octet {error.start}") from error
    except ValueError as error:
        raise ConfigError(f"{file} is no TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror or error}") from error
    return _located(config, file.resolve().parent)


def _known_in_environment() -> None:
    """Raise ConfigError for a name that would be passed over: a slip in it, and the default would count."""
    known = {f"{PREFIX}{name.upper()}" for name in Config.model_fields}
    for name in os.environ:
        part = name.upper().partition("__")[0]
        if part.startswith(PREFIX) and part not in known | BESIDES:
            raise ConfigError(f"{name} in the environment is no setting: {nearest(name, known | BESIDES)}")


def _complaint(error: Any) -> str:
    """One fault in words; the error of pydantic names where in `loc`."""
    *above, last = error["loc"] or ("the file",)
    where = ".".join(str(part) for part in (*above, last))
    if error["type"] == "extra_forbidden":
        return f"{where}: there is no such setting; {nearest(str(last), _settings_of(above))}"
    says = str(error["msg"]).removeprefix("Value error, ")
    return f"{where}: {says[0].lower()}{says[1:]}"


def _settings_of(above: list[str | int]) -> list[str]:
    """The names of the settings of one part."""
    found: type[BaseModel] = Config
    for name in above:
        if isinstance(name, str) and (field := found.model_fields.get(name)):
            parts = [one for one in (field.annotation, *get_args(field.annotation)) if isinstance(one, type)]
            found = next((one for one in parts if issubclass(one, BaseModel)), found)
    return list(found.model_fields)


def _located(config: Config, folder: Path) -> Config:
    if config.database_file is not None:
        config.database = f"{_FILE}{folder / config.database_file}"
    config.generation_file = config.generation_file or folder / GENERATION_FILE
    for owner, name in (
        (config, "clock_file"),
        (config, "generation_file"),
        (config, "dkim_keys"),
        (config.listen.tls, "certificate"),
        (config.listen.tls, "key"),
        *((d, "key") for d in config.dkim),
        *((r, n) for r in config.relay for n in ("client_certificate", "client_key", "ca_file")),
    ):
        value = getattr(owner, name)
        if value is not None and not value.is_absolute():
            setattr(owner, name, folder / value)
    return config


def readable_by_others(path: Path) -> bool:
    """Whether a file that holds secrets can be read by other users of the machine."""
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


_TEMPLATE = """# Tidings. Keep this file at mode 0600: it holds secrets. The environment beats it: TIDINGS_WEB__PORT=80.

# sqlite:///file (one machine) or postgresql://user:password@host/name (any number of machines).
database = {database}

# Names that leave the house (reply addresses, Message-IDs, links) are signed with these. Newest first; keep an
# old one as long as mails signed with it should still be answered. Back them up apart from the database.
secrets = ["{secret}"]

# Seconds between looks at what is due.
tick_seconds = 10

[listen]                       # replies come in here
host = "127.0.0.1"
port = 2525
hostname = "{domain}"
protocol = "smtp"              # or "lmtp" behind a local mail server
# trusted = ["127.0.0.0/8"]    # networks of front servers: no limit applies to them
# xforward = true              # believe what those tell of their clients: Postfix's lmtp_send_xforward_command
# auth_servers = ["mx.{domain}"]  # names whose Authentication-Results are believed in mail from those networks
authenticate = true            # check SPF, DKIM and DMARC of senders where no front server did
# [listen.tls]
# certificate = "tls/cert.pem"
# key = "tls/key.pem"

[[relay]]                      # the smart host that takes outgoing mail; several are allowed
host = "127.0.0.1"
port = 25
tls = "opportunistic"          # none, opportunistic, required, implicit
# user = ""                    # for a smart host that wants a login
# password = ""
# ca_file = "tls/ca.pem"       # who vouches for the smart host; else those whom the system trusts
# client_certificate = "tls/client.pem"
# client_key = "tls/client.key"

[send]
connections = 10
processes = 0                  # programs that deliver side by side; 0: one for each core, four at most
hostname = "{domain}"
# per_minute = 3000            # mails a minute at most, over all workers; else as fast as the smart host takes them
# domains = {{ "gmail.com" = 600 }}  # the same for one destination domain

[web]                          # the one-click endpoint and signed links
host = "127.0.0.1"
port = 8025
base_url = "https://{domain}"

[log]
format = "text"                # or "json": one object a line

[core]
alerts = []                    # addresses woken at once by a report about somebody's safety

# [retain]                     # days until personal data is destroyed
# mail_days = 180              # mails that came in
# left_days = 90               # liaisons who left
# Outgoing mail is signed with the keys that `tidings dkim init` makes in the folder dkim/. Keys made by hand:
# [[dkim]]
# domain = "{domain}"
# selector = "t1"
# key = "t1.pem"
"""


def template(secret: str, *, domain: str, database: str = "sqlite:///tidings.sqlite") -> str:
    """A commented configuration file with a fresh secret."""
    return _TEMPLATE.format(secret=secret, domain=domain, database=json.dumps(database))
