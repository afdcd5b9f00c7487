"""What `tidings doctor` looks at: the set-up of this machine, each fault with what to do about it. Changes nothing.

A check gives findings and never raises: a check that cannot be made is a finding too.
"""

import contextlib
import http.client
import ipaddress
import json
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from app import config as configuration
from app import keyring, mark, sockets, wiring
from app.config import Config, ConfigError
from app.keyring import KeyFault
from db import deployment, inbound, migrate, process
from db.engine import Database, DatabaseUnavailable
from mailer import zone
from mailer.sign import dns_value
from mailer.wire import spf
from mailer.wire.connection import RelayFault
from mailer.wire.courier import Courier, Examined
from mailer.wire.letters import CourierSettings, Relay
from mailer.zone import Finding

LOW, VERY_LOW = 2 * 1024**3, 256 * 1024**2  # octets of free disk
SKEW = timedelta(seconds=30)
SILENT = timedelta(minutes=5)
SOON = timedelta(days=21)
PATIENCE = 15.0  # seconds for a relay to answer


def examine(file: Path, config: Config, now: datetime) -> Iterator[Finding]:
    """Everything about this machine, one finding after the other."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _files(file, config),
        lambda: _settings(config),
        lambda: _database(config, now),
        lambda: _disk(file, config),
        lambda: _ports(config),
        lambda: _certificate(config, now),
        lambda: _client_certificates(config, now),
        lambda: _keys(config),
        lambda: _relays(config),
        lambda: _resolver(config),
    )
    for check in checks:
        try:
            yield from check()
        except (OSError, ConfigError) as error:
            yield Finding("fault", "doctor", f"a check could not be made: {error}", "see to this first")


def _files(file: Path, config: Config) -> Iterator[Finding]:
    yield Finding("ok", "config", f"{file} can be read")
    shown = [one for r in config.relay for one in (r.ca_file, r.client_certificate)] + [config.listen.tls.certificate]
    for path in shown:
        if path is not None and not path.exists():
            yield Finding("fault", "files", f"{path} is not there", "put it there, or change the setting")
    named = [d.key for d in config.dkim] + [r.client_key for r in config.relay] + [config.listen.tls.key]
    secret = [file, *(one for one in named if one is not None), *config.dkim_keys.glob("*")]
    if config.database_file is not None:
        secret.append(config.database_file)
    for path in secret:
        if not path.exists():
            if path in named:
                yield Finding("fault", "files", f"{path} is not there", "put it there, or change the setting")
        elif configuration.readable_by_others(path):
            yield Finding("fault", "files", f"other users of this machine can read {path}", f"chmod 600 {path}")
    if config.clock_file is not None:
        yield Finding("fault", "clock", "clock_file is set: the clock of a playground", "remove it from the file")


def _settings(config: Config) -> Iterator[Finding]:
    if any(len(secret.get_secret_value()) < wiring.SHORTEST for secret in config.secrets):
        says = f"a secret has fewer than {wiring.SHORTEST} characters: nothing starts"
        yield Finding("fault", "config", says, "let `tidings init --config OTHER` draw one, and copy it")
    if not config.core.alerts:
        says = "a report about somebody's safety would wake nobody"
        yield Finding("note", "config", says, "set core.alerts to the addresses of the privacy circle")
    if not config.web.base_url.startswith("https://") and not _near(config.web.host):
        says = f"links in mails begin with {config.web.base_url!r}"
        yield Finding("note", "config", says, "set web.base_url to an https address: one-click unsubscribe needs it")
    for relay in config.relay:
        if relay.tls == "none" and not _near(relay.host):
            says = f"mail to {relay.host} goes in clear text"
            yield Finding("note", "relay", says, 'set tls = "required" if it offers TLS')


def _near(host: str) -> bool:
    """Whether a host is this machine."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _database(config: Config, now: datetime) -> Iterator[Finding]:
    database: Database | None = None
    try:
        path = config.database_file
        if path is not None and not path.exists():
            yield Finding("fault", "database", f"there is no database at {path}", "`tidings migrate` makes it")
            return
        database = Database(config.database)
        is_at, wanted = migrate.current(database), migrate.head()
        if fault := migrate.too_new(is_at):
            yield Finding("fault", "database", fault, "install that one again, or restore the backup made before it")
            return
        if is_at != wanted:
            says = f"the database is at schema {is_at or 'none'}, this program needs {wanted}"
            yield Finding("fault", "database", says, "stop `tidings serve`, make a backup, then run `tidings migrate`")
            return
        yield Finding("ok", "database", f"{database.dialect} answers, at schema {is_at}")
        yield from _content(database, now)
        with database.read() as tx:
            older = mark.put_back(config, tx)
        if older is not None:
            yield Finding("fault", "database", f"nothing is sent: {older}", mark.ADOPT)
    except DatabaseUnavailable as error:
        do = "is the server running, and `database` right?"
        if config.database_file is not None:
            do = "may this user write the file and its folder? Say doctor as the user of the service"
        yield Finding("fault", "database", str(error), do)
    finally:
        if database is not None:
            database.close()


def _content(database: Database, now: datetime) -> Iterator[Finding]:
    with database.read() as tx:
        processes, workers = process.everyone(tx), deployment.workers(tx)
        newest, there = inbound.raws(tx, limit=1), deployment.time_of(tx)
    if not processes:
        yield Finding("note", "database", "there is no process yet", "`tidings timeline import FILE` makes one")
    if there is not None and abs(there - now) > SKEW:
        says = f"the clocks of this machine and of the database differ by {abs(there - now)}"
        yield Finding("fault", "clock", says, "run a time service (chrony, systemd-timesyncd) on both")
    latest = max([*(one.seen_at for one in workers), *(one.received_at for one in newest)], default=now)
    if latest - now > SKEW:
        says = f"the clock says {now:%Y-%m-%d %H:%M} UTC, but something happened at {latest:%Y-%m-%d %H:%M}"
        yield Finding("fault", "clock", says, "set the clock; run a time service")
    elif there is None or abs(there - now) <= SKEW:
        yield Finding("ok", "clock", f"it is {now:%Y-%m-%d %H:%M:%S} UTC")
    for one in workers:
        if now - one.seen_at > SILENT:
            says = f"worker {one.name} ({one.role}) was last heard of at {one.seen_at:%Y-%m-%d %H:%M} UTC"
            yield Finding("note", "workers", says, "start it again; if it moved away for good, ignore this")
    if not workers:
        yield Finding("note", "workers", "nothing is running", "`tidings serve` runs the service")


def _disk(file: Path, config: Config) -> Iterator[Finding]:
    folders = {file.resolve().parent}
    if config.database_file is not None:
        folders.add(config.database_file.resolve().parent)
    for folder in sorted(one for one in folders if one.is_dir()):
        free = shutil.disk_usage(folder).free
        says = f"{free / 1024**3:.1f} GiB are free at {folder}"
        if free < LOW:
            do = "make room: when the disk is full, mail is refused for the time being (451) and nothing is sent"
            yield Finding("fault" if free < VERY_LOW else "note", "disk", says, do)
        else:
            yield Finding("ok", "disk", says)


def _ports(config: Config) -> Iterator[Finding]:
    for what, host, port in (
        ("listen", config.listen.host, config.listen.port),
        ("web", config.web.host, config.web.port),
    ):
        if port:
            yield _port(what, host, port, config.listen.hostname or socket.getfqdn())


def _port(what: str, host: str, port: int, hostname: str) -> Finding:
    """Whether we can have a port, or have it."""
    place, do = f"{host}:{port}", f"change {what}.port, or stop the other program"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except PermissionError:
            say = f"{place} may be bound by root alone"
            return Finding("fault", what, say, "give the unit CAP_NET_BIND_SERVICE (deploy/tidings.service)")
        except OSError as error:
            if _serves_pages(host, port) if what == "web" else _greets(host, port, hostname):
                return Finding("ok", what, f"something answers at {place}: we do")
            return Finding("fault", what, f"{place} cannot be had: {error.strerror}, and it is not us who has it", do)
    return Finding("ok", what, f"{place} is free")


def _serves_pages(host: str, port: int) -> bool:
    """Whether our own pages have a port: `/health` answers as ours does, well or not."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=3)
    try:
        connection.request("GET", "/health?check=database")
        return "status" in json.loads(connection.getresponse().read(65_536))
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def _greets(host: str, port: int, hostname: str) -> bool:
    """Whether our own listener has a port: it says the configured name."""
    try:
        with socket.create_connection((_reachable(host), port), 3) as connection:
            return connection.recv(512).startswith(b"220 " + hostname.encode())
    except OSError:
        return False


def _certificate(config: Config, now: datetime) -> Iterator[Finding]:
    tls = config.listen.tls
    if tls.certificate is None or tls.key is None:
        if not _near(config.listen.host):
            says = "the listener has no certificate: others send their mail in clear text"
            yield Finding("note", "TLS", says, "set listen.tls.certificate and listen.tls.key")
        return
    if not (tls.certificate.exists() and tls.key.exists()):
        return  # `_files` has said so
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
        found = x509.load_pem_x509_certificate(tls.certificate.read_bytes())
    except (OSError, ValueError) as error:
        yield Finding(
            "fault",
            "TLS",
            f"{tls.certificate} and its key cannot be used: {error}",
            "they must be PEM, and belong together",
        )
        return
    left = found.not_valid_after_utc - now
    level = "fault" if left < timedelta(0) else "note" if left < SOON else "ok"
    do = "" if level == "ok" else "renew it; a running listener takes the new one by itself"
    verb = "was" if level == "fault" else "is"
    yield Finding(level, "TLS", f"the certificate {verb} valid until {found.not_valid_after_utc:%Y-%m-%d}", do)
    names = _names(found)
    if config.listen.hostname and not any(_fits(config.listen.hostname, name) for name in names):
        says = (
            f"the certificate is for {', '.join(names) or 'nobody'}, the listener calls itself {config.listen.hostname}"
        )
        yield Finding("note", "TLS", says, "let listen.hostname be a name of the certificate")


def _client_certificates(config: Config, now: datetime) -> Iterator[Finding]:
    """By which relays know us: a relay that sees one that is over refuses every mail."""
    for relay in config.relay:
        if relay.client_certificate is None or not relay.client_certificate.exists():
            continue
        try:
            until = x509.load_pem_x509_certificate(relay.client_certificate.read_bytes()).not_valid_after_utc
        except (OSError, ValueError) as error:
            yield Finding("fault", "TLS", f"{relay.client_certificate} cannot be used: {error}", "it must be PEM")
            continue
        if until - now < SOON:
            level, verb = ("fault", "was") if until < now else ("note", "is")
            says = f"{relay.client_certificate} {verb} valid until {until:%Y-%m-%d}"
            yield Finding(level, "TLS", says, "renew it; a running service takes the new one by itself")


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return list(names.value.get_values_for_type(x509.DNSName))


def _fits(host: str, name: str) -> bool:
    return host.lower() == name.lower() or (name[:2] == "*." and host.lower().partition(".")[2] == name[2:].lower())


def _keys(config: Config) -> Iterator[Finding]:
    try:
        ring = keyring.read(config.dkim_keys)
        algorithms = {d: [ring.key(one).algorithm for one in ring.of(d, "active")] for d in ring.domains}
        wiring.signing(config)
    except (KeyFault, ConfigError) as error:
        yield Finding("fault", "DKIM", str(error), "put the key back from the backup, or make new ones")
        return
    for domain, found in algorithms.items():
        if "rsa-sha256" not in found:
            do = "`tidings dkim rotate`: most receivers know nothing else"
            yield Finding("fault", "DKIM", f"no RSA key signs for {domain}", do)
        else:
            yield Finding("ok", "DKIM", f"mail of {domain} is signed with {' and '.join(found)}")
    if not algorithms and not config.dkim:
        says = "mail is not signed here"
        yield Finding("note", "DKIM", says, "`tidings dkim init`, unless your smart host signs for your domain")


def _relays(config: Config) -> Iterator[Finding]:
    for one in reach(config):
        yield from relay_findings(one)


def reach(config: Config) -> tuple[Examined, ...]:
    """Talk to each relay as far as a mail would, with little patience."""
    settings = CourierSettings(
        helo=sockets.hello(config), connect_timeout=PATIENCE, greeting_timeout=PATIENCE, command_timeout=PATIENCE
    )
    way_out = Courier(sockets.relays(config), settings)
    try:
        return way_out.examine()
    finally:
        way_out.close()


def relay_findings(one: Examined) -> Iterator[Finding]:
    """What a relay said of itself, judged."""
    name, offers = one.relay.name, dict(one.offers)
    if one.fault is not None:
        yield Finding("fault", "relay", f"{name} cannot be used: {one.fault}", _remedy(one.relay, one.fault))
        return
    yield Finding("ok", "relay", f"{name} takes our mail ({one.secure or 'no TLS'})")
    if "AUTH" in offers and not one.relay.user:
        says = f"{name} offers a login, and we give none"
        yield Finding("note", "relay", says, "if it refuses recipients elsewhere, set user and password")
    if not one.secure and "STARTTLS" in offers:
        yield Finding("note", "relay", f"{name} offers TLS, which we do not use", 'set tls = "required"')
    if not one.relay.verify and one.relay.tls in ("required", "implicit"):
        yield Finding("note", "relay", f"{name} need not prove who it is", "remove verify = false; set ca_file")
    if one.relay.tls == "opportunistic" and one.secure and not _near(one.relay.host):
        says = f"{name} has TLS, but we would also go without"
        yield Finding("note", "relay", says, 'set tls = "required"')
    for offer, without in (("8BITMIME", "8-bit mail"), ("SMTPUTF8", "addresses beyond ASCII"), ("PIPELINING", "haste")):
        if offer not in offers:
            yield Finding("note", "relay", f"{name} does not offer {offer}", f"works, but without {without}")


def _remedy(relay: Relay, fault: RelayFault) -> str:
    reply = fault.reply
    if relay.port == 465 and relay.tls != "implicit":
        return 'port 465 speaks TLS from the first octet on: set tls = "implicit" for this [[relay]]'
    if relay.port in (25, 587) and relay.tls == "implicit":
        return f'port {relay.port} speaks TLS only when asked to: set tls = "required" for this [[relay]]'
    if relay.tls == "implicit" and "wrong version" in reply.text:
        return f'port {relay.port} does not begin with TLS: set tls = "required" for this [[relay]]'
    if reply.enhanced in ("5.7.1", "4.7.1", "5.7.0", "4.7.0") and reply.code:
        return (
            "it carries no mail for us: set user and password, see to client_certificate, or have our address allowed"
        )
    if reply.code in (530, 534, 535, 538) or reply.enhanced in ("5.7.8", "5.7.9"):
        return "check user and password of this [[relay]]; it wants to know who we are"
    return {
        "4.3.5": "see that ca_file, client_certificate and client_key of this [[relay]] are there and belong together",
        "4.4.1": "is it running, are host and port right, does a firewall stand between?",
        "4.4.2": 'ask whoever runs it; a port that begins with TLS needs tls = "implicit"',
        "4.7.0": "it offers no TLS, or no login that we know: change tls or user of this [[relay]]",
        "4.7.5": "name it as its certificate does; set ca_file to whoever signed it; or have it renewed",
        "4.7.11": 'a password needs TLS: set tls = "required" or "implicit"',
    }.get(reply.enhanced, "ask whoever runs it")


def _resolver(config: Config) -> Iterator[Finding]:
    if not config.listen.authenticate:
        yield Finding("note", "DNS", "senders are not checked here", "leave it so only if a front server checks them")
        return
    try:
        sockets.resolver(config).ask("com", "TXT", 5.0)
        yield Finding("ok", "DNS", "a server answers")
    except OSError as error:
        do = "set dns.servers, or listen.authenticate = false if a front server checks SPF, DKIM and DMARC"
        yield Finding("fault", "DNS", f"no server answers: {error}", do)


def published(config: Config, domain: str, addresses: list[str]) -> Iterator[Finding]:
    """What the DNS says of one of our domains. `addresses` are those that our mail leaves the house from."""
    ask, hello = sockets.resolver(config).ask, sockets.hello(config)
    yield from zone.mx(domain, config.listen.hostname or hello, ask)
    yield from zone.spf(domain, addresses, lambda sender: spf.check(ask, sender, f"bounce@{domain}", hello)[0], ask)
    yield from _published_keys(config, domain)
    yield from zone.dmarc(domain, ask)
    yield zone.hello(hello, ask)
    for address in addresses:
        yield zone.reverse(address, hello, ask)
    if not addresses:
        says = "from which addresses your mail leaves the house is not known here"
        yield Finding("note", "SPF", says, "name those of your smart host with --sender, to check SPF and PTR for them")


def _published_keys(config: Config, domain: str) -> Iterator[Finding]:
    ask = sockets.resolver(config).ask
    try:
        ring = keyring.read(config.dkim_keys)
        keys = [(one.selector, ring.key(one)) for one in ring.of(domain, "active", "next", "retired")]
        keys += [
            (one.selector, keyring.by_hand(one.selector, one.key)) for one in config.dkim if one.domain in ("", domain)
        ]
    except KeyFault as error:
        yield Finding("fault", "DKIM", str(error), "put the key back from the backup, or make new ones")
        return
    for selector, key in keys:
        yield zone.key_record(domain, selector, dns_value(key), ask)
    if not keys:
        says = f"no key of ours signs for {domain}"
        yield Finding("note", "DKIM", says, f"`tidings dkim init --domain {domain}`, unless your smart host signs")


def senders(config: Config) -> list[str]:
    """The outside addresses of relays that are not this machine, as far as the DNS tells."""
    ask = sockets.resolver(config).ask
    found: list[str] = []
    for relay in config.relay:
        if _near(relay.host):
            continue
        with contextlib.suppress(ValueError):
            found.append(str(ipaddress.ip_address(relay.host)))
            continue
        with contextlib.suppress(OSError):
            found += [*ask(relay.host, "A"), *ask(relay.host, "AAAA")]
    return [one for one in dict.fromkeys(found) if ipaddress.ip_address(one).is_global]
