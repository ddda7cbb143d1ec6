"""Log lines on standard error, for people or for a log collector. Nothing that is logged names a person.

A message begins with the name of its event and tells what it knows as ``key=value``, then what it means::

    _log.warning("file-gone name=%s offset=%d: what was written there later cannot be found", name, offset)

As JSON these keys are fields with their own types, and the rest of the process's context (the site, a
partition) is there too, bound once.
"""

import logging
import re
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

_OURS = "journalguard"
_EVENT = re.compile(r"[a-z]+(?:-[a-z]+)*(?=[ :]|$)")
_PART = re.compile(r"(?:(\w+)=)?%[-+ #0-9.*]*([a-zA-Z%])")  # of a template, in printf's notation
_DATE = "%Y-%m-%dT%H:%M:%SZ"

_context: ContextVar[Mapping[str, Any]] = ContextVar("log_context", default={})  # noqa: B039 - never changed


def bind(**context: Any) -> None:
    """Put these keys into every later line of this thread or asyncio task."""
    _context.set({**_context.get(), **context})


def start_logging(*, as_json: bool = False, site: str = "") -> None:
    """Log to standard error, times in UTC: what is ours from INFO on, what others say from WARNING on.

    Args:
        as_json: one JSON object a line, instead of text.
        site: goes into each of these objects.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json_formatter({"site": site} if site else {}) if as_json else _TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger(_OURS).setLevel(logging.INFO)


class _TextFormatter(logging.Formatter):
    """``TIME LEVEL LOGGER event key=value words``, with the context's keys behind the event."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", _DATE)
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        event = _event(record.name, record.message)
        pairs = "".join(f" {key}={value}" for key, value in _context.get().items())
        record.message = event + pairs + record.message[len(event) :] if event else record.message + pairs
        return super().formatMessage(record)


def _json_formatter(context: Mapping[str, str]) -> logging.Formatter:
    import structlog  # noqa: PLC0415 - a tenth of a second that text does not need

    def add_fields(_: Any, __: str, found: MutableMapping[str, Any]) -> dict[str, Any]:
        """The text stays as ``message``; ``event`` is its first word, and named arguments become fields."""
        record, text = found["_record"], found["event"]
        named = dict(_named(str(record.msg), found.pop("positional_args")))
        moment = time.strftime(_DATE, time.gmtime(record.created))
        own = {"time": moment, "level": found["level"], "logger": record.name, "event": ""}
        known = {**own, **named, **own, **context, **_context.get(), **found}
        return {**known, "event": _event(record.name, text), "message": text}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            add_fields,
            structlog.processors.format_exc_info,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(default=str),
        ],
        pass_foreign_args=True,
    )


def _named(template: str, arguments: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(arguments, tuple):  # a mapping, which no message of ours has
        return
    left = iter(arguments)
    for part in _PART.finditer(template):
        if part[2] != "%":
            value = next(left, None)
            if part[1]:
                yield part[1], value if isinstance(value, str | int | float) else str(value)


def _event(logger: str, text: str) -> str:
    """The first word of what is ours; others' messages are sentences."""
    found = _EVENT.match(text) if logger.startswith(_OURS) else None
    return found[0] if found else ""
