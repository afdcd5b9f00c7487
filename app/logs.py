"""Logs of the running service: lines for people, or one JSON object a line; never an address, a token or a subject.

Everything goes to standard error, what libraries log too. Whatever looks like a mail address or one of our signed
tokens is replaced before it is written, wherever it stands.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

_PRIVATE = re.compile(
    r"[^\s<>()\"'@=,;:]+@[^\s<>()\"',;]+"
    r"|(?<![0-9a-z])[0-9a-hjkmnp-tv-z]{35}(?![0-9a-z])",
    re.IGNORECASE,
)
_DROPPED = ("subject", "address", "addr", "sender", "to", "mail_from", "rcpt_to")
_COLOURED = "color_message"  # what uvicorn tells again, with the colours of a terminal


_CHATTY = ("alembic", "apscheduler")  # libraries that tell at "info" of each step that went well


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
        structlog.processors.format_exc_info,
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
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.NOTSET if level == "debug" else logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
