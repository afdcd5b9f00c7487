"""Sending a trial to oneself: over the smart host as every mail, beside the outbox and the ledger."""

from app import wiring
from app.cli import console
from app.cli.session import Session
from flows.engine import Refused
from flows.preview import Preview
from mailer.letter import Letter, Outcome

PATIENCE = 15.0  # seconds; a person waits


def send(session: Session, made: Preview) -> None:
    """Send it and say what the smart host answered. Raises `Refused` where it did not take it."""
    from app import sockets  # what talks to the network takes longer to load than to run a command

    sign, said = wiring.signing(session.config), list[Outcome]()
    way_out = sockets.courier(session.config, patience=PATIENCE)
    try:
        mail = Letter(1, made.mail_from, made.rcpt_to, sign(made.eml, session.act().now))
        way_out.carry(iter([mail]), said.extend)
    finally:
        way_out.close()
    (outcome,) = said
    answer = f"{outcome.code or ''} {outcome.enhanced} {outcome.text}".strip()
    if not outcome.accepted:
        raise Refused(f"{outcome.relay or 'the smart host'} did not take it: {answer}")
    console.answer(session.json, {"to": made.rcpt_to, "subject": made.subject, "answer": answer}, f"sent: {answer}")
