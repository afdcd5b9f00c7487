"""How a person at each mail program answers the digest that lies in the mailbox, and what the program then sends."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.strangers.stage import Answer, Stage, need


@dataclass(frozen=True, slots=True)
class Person:
    """Who sits at the program."""

    box: str  # how the mailbox in the world begins
    address: str
    name: str


Client = Callable[[Stage, Person, Answer], object]


def mutt(stage: Stage, person: Person, answer: Answer) -> None:
    """Press r in mutt, take what it proposes, type the answer, press y."""
    settings = [
        f'set from="{person.address}" realname="{person.name}" use_from=yes use_envelope_from=yes',
        f'set hostname=client.example smtp_url="smtp://127.0.0.1:{stage.port}/" ssl_force_tls=no ssl_starttls=no',
        f'set editor="{stage.editor}" record="" copy=no mark_old=no header_cache="" charset=utf-8 sleep_time=0',
    ]
    options = [word for line in settings for word in ("-e", line)]
    keys = [
        ("q:Quit", "r"),
        ("Reply to reply+", "y"),
        ("To: ", "\r"),
        ("Subject: ", "\r"),
        ("Include message in reply", "y"),
        ("y:Send", "y"),
        ("Mail sent", "q"),
    ]
    argv = [need("mutt"), "-n", "-F", "/dev/null", *options, "-f", str(stage.maildir(person.box))]
    stage.sit_at(argv, answer=answer, keys=keys)


def s_nail(stage: Stage, person: Person, answer: Answer) -> None:
    """`reply` in s-nail's batch mode, with the quote, and the editor on the whole (~e)."""
    argv = [
        need("s-nail"), "-#", "-:/", "-Sv15-compat", f"-Smta=smtp://127.0.0.1:{stage.port}", "-Ssmtp-auth=none",
        f"-Sfrom={person.name} <{person.address}>", "-Shostname=client.example", "-Sttycharset=utf-8",
        f"-SEDITOR={stage.editor}", "-Squote", "-Sreply-to-honour", "-Sfullnames", "-Snosave",
    ]  # fmt: skip
    stage.run([*argv, "-f", str(stage.mbox(person.box))], given="reply 1\n~e\n~.\nexit\n", answer=answer)


def alpine(stage: Stage, person: Person, answer: Answer) -> None:
    """Press R in alpine, take what it proposes, type the answer in the editor, send with ^X. It quotes the HTML."""
    settings = stage.folder / "pinerc"
    features = "enable-alternate-editor-implicitly,quit-without-confirm"
    lines = [
        f"personal-name={person.name}", f"user-domain={person.address.partition('@')[2]}", 'default-fcc=""',
        f"smtp-server=127.0.0.1:{stage.port}/notls", f"inbox-path={stage.mbox(person.box)}", f"editor={stage.editor}",
        f"feature-list={features}", f"customized-hdrs=From: {person.name} <{person.address}>", "character-set=UTF-8",
    ]  # fmt: skip
    settings.write_text("\n".join(lines) + "\n", "utf-8")
    keys = [
        ("Exit this greeting", "e"),
        ("Message 1 of 1 NEW", "r"),
        ("Include original message", "y"),
        ('Use "Reply-To:"', "y"),
        ("Reply to all recipients", "n"),
        ("COMPOSE MESSAGE REPLY", "\x18"),
        ("Send message", "y"),
        ("Message 1 of 1 ANS", "q"),
    ]
    stage.sit_at([need("alpine"), "-p", str(settings), "-i"], answer=answer, keys=keys)


CLIENTS: dict[str, Client] = {"mutt": mutt, "s-nail": s_nail, "alpine": alpine}
