"""A worker may hold a mail longer than any SMTP conversation that it begins with it may take."""

import pytest
from pydantic import ValidationError

from app.config import Send
from flows.deliver import BEGIN
from mailer.wire.letters import CourierSettings


def test_a_lease_outlasts_the_conversation() -> None:
    limits = CourierSettings()
    # RSET, MAIL, RCPT and DATA one after the other, a mail in one block, its final dot.
    conversation = 4 * limits.command_timeout + limits.block_timeout + limits.dot_timeout
    (least,) = (rule.ge for rule in Send.model_fields["lease_minutes"].metadata)
    assert Send().lease_minutes >= least
    assert least * 60 * (1 - BEGIN) > conversation


def test_a_shorter_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="lease_minutes"):
        Send(lease_minutes=10)
