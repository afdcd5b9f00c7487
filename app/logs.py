"""Logs of the running service: lines for people, or one JSON object a line; never an address, a token or a subject.

Everything goes to standard error, what libraries log too. Whatever looks like a mail address or one of our signed
tokens is replaced before it is written, wherever it stands. Of an exception its kind and the places in the code are
told; what it says only where it speaks of machines (files, network, configuration), for others quote what they read.
"""

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import ExcInfo, Processor

from app.config import ConfigError
from app.keyring import KeyFault
from db.engine import DatabaseUnavailable

_OF_MACHINES = (OSError, ConfigError, KeyFault, DatabaseUnavailable)
_PRIVATE = re.compile(
    r"[^\s<>()\"'@=,;:]+@[^\s<>()\"',;]+"
    r"|(?<![0-9a-z])[0-9a-hjkmnp-tv-z]{35}(?![0-9a-z])",
    re.IGNORECASE,
)
_DROPPED = ("subject", "address", "addr", "sender", "to", "mail_from", "rcpt_to")
_COLOURED = "color_message"  # what uvicorn tells again, with the colours of a terminal


# Libraries that tell at "info" of each step that went well; the scheduler also warns of each turn that takes longer
# than `tick_seconds`, as a big mailing does.
_CHATTY = {"alembic": logging.WARNING, "apscheduler": logging.ERROR}


def says(error: BaseException) -> str:
    """What an exception says, where it speaks of machines; else '' (it may quote what somebody wrote)."""
    return str(error) if isinstance(error, _OF_MACHINES) else ""


def _places(exc_info: ExcInfo) -> str:
    """A traceback: the places in the code and the kinds of the exceptions, without what those say of people."""
    told: list[str] = []
    seen: BaseException | None = exc_info[1]
    while seen is not None:
        words = says(seen)
        kind = f"{type(seen).__module__}.{type(seen).__qualname__}".removeprefix("builtins.")
        told.insert(0, "".join(traceback.format_tb(seen.__traceback__)) + kind + (f": {words}" if words else ""))
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\nfrom which came\n".join(told)


def _without_people(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    del logger, name
    for key in (*_DROPPED, _COLOURED):
        event.pop(key, None)
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _PRIVATE.sub("[private]", value)
        elif value is not None and not isinstance(value, bool | int | float) and not key.startswith("_"):
            event[key] = _PRIVATE.sub("[private]", str(value))
    return event


def configure(form: str, level: str, out: TextIO = sys.stderr) -> None:
    """Log from now on as `form` (`text` or `json`) whatever is at least as important as `level`."""
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.ExceptionRenderer(_places),
        _without_people,
    ]
    shown: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False, timestamp_key="at")
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, shown]
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, least in _CHATTY.items():
        logging.getLogger(name).setLevel(logging.NOTSET if level == "debug" else least)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
