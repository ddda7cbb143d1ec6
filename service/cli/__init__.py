"""The command line: the one place that hands the store and the pages to the runners.

A command's module is imported when the command is used, so that each starts as fast as its own parts do.
"""

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Any

import click

from service.cli.extras import missing_extra
from service.cli.kernel_cache import place_kernels, site_named
from service.cli.ownership import foreign_package

# command -> (module, one line for the list)
COMMANDS = {
    "init": ("init", "Make a site's folder: settings and keys."),
    "run": ("run", "Follow the logs, score, and serve the pages."),
    "replay": ("replay", "Run old logs through, into alerts as JSON lines."),
    "simulate": ("simulate", "Make a library's logs with thefts among them."),
    "evaluate": ("evaluate", "Measure how well it detects, and whom it burdens."),
    "pseudonym": ("init", "Tell the pseudonyms of names read from standard input."),
    "keyholder": ("keyholder", "The keys that alone can name a reader."),
    "rotate": ("rotate", "Give all readers new pseudonyms."),
    "rights": ("rights", "What a reader may ask for: a copy, erasure, restriction."),
    "policy": ("policy", "Detections and budget as data: check, compare, test, accept."),
    "models": ("models", "Versions of what was learnt: list, promote, roll back."),
    "audit": ("audit", "The log of acts: sign it, hand it out, check it."),
    "users": ("users", "Who may sign in with a password and an authenticator app."),
    "tokens": ("users", "What lets programs ask the JSON API."),
    "pages": ("pages", "Serve the pages of a site, without keys."),
    "ship": ("ship", "Read the logs, pseudonymise, send to Kafka."),
    "worker": ("worker", "Score what the shippers send to Kafka."),
    "topics": ("topics", "Make or check the topics of a site in several processes."),
    "demo": ("demo", "A simulated library with live alerts, on this machine."),
}
# The roots of what an operator can mend: their text is the message, without a traceback.
_ROOTS = {
    "service.base.errors": "ServiceError",
    "pseudonymiser.errors": "PseudonymiserError",
    "alerts_api.storage.errors": "StoreError",
    "alerts_api.audit.errors": "AuditError",
    "alerts_api.signin.errors": "SignInError",
    "service.simulator.settings": "SimulationError",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        place_kernels(site_named(args))  # the command's module may import them
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"service.cli.{COMMANDS[cmd_name][0]}"), cmd_name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        if (trouble := foreign_package()) is not None:
            raise click.ClickException(trouble)
        try:
            return super().invoke(ctx)
        except Exception as error:
            if (message := _message(error)) is not None:
                raise click.ClickException(message) from error
            raise


@click.group(cls=_Commands)
@click.version_option(version("journalguard"), prog_name="journalguard")
def main() -> None:
    """Finds stolen accounts in a library's EZproxy logs.

    \b
    Look at it:         journalguard demo
    With your own logs: journalguard init /srv/journalguard --help

    Errors go to standard error; the exit code is 1 for what went wrong and 2 for a wrong call.
    """


def _message(error: Exception) -> str | None:
    """What to tell the operator; ``None`` for an error of the program itself."""
    if isinstance(error, ModuleNotFoundError):
        return missing_extra(error)
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    roots = [getattr(sys.modules.get(module), name, None) for module, name in _ROOTS.items()]
    return str(error) if isinstance(error, tuple(root for root in roots if root)) else None
