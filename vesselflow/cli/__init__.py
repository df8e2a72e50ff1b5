"""Turn a command line into one call: our own commands beside those that Faust has for our app.

A command of ours is a module of this folder that holds a click command named ``command``; it is imported only when it is
asked for, so that `vesselflow stack` starts without Faust. Everything else is Faust's own command line with our app.
"""

import difflib
import importlib
import pkgutil
import sys

import click

import vesselflow
from vesselflow.core.errors import UsageError, VesselflowError

APP = "vesselflow.app"
WRONG = 2
INTERRUPTED = 130


class Commands(click.Group):
    """Our commands, each loaded when it is used; the help lists Faust's as well."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of our commands."""
        return our_commands()

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return the command *name*, None when it is not one of ours."""
        if name not in our_commands():
            return None
        module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List our commands, then Faust's."""
        super().format_commands(ctx, formatter)
        with formatter.section("Faust's commands for this app (with Faust's options, such as -l info)"):
            formatter.write_dl(
                [(name, one.get_short_help_str(60)) for name, one in sorted(faust_cli().commands.items())]
            )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(vesselflow.__version__, prog_name="vesselflow")
def ours() -> None:
    """Turn a stream of ship positions into geofence alerts, destination changes and live statistics."""


def main() -> None:
    """Run the command line and exit: 0 when it did what was asked, 2 when something is wrong, 130 when interrupted."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; what goes wrong is one line on stderr."""
    try:
        if _is_ours(arguments):
            result = ours.main(arguments, prog_name="vesselflow", standalone_mode=False)
            return result if isinstance(result, int) else 0
        return _run_faust(arguments)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
    except (VesselflowError, OSError) as error:
        # An OSError is the outside's too: a file that is not there, a disk that is full.
        click.echo(f"vesselflow: {' '.join(str(error).split())}", err=True)
    return WRONG


def our_commands() -> list[str]:
    """Return the names of our commands, in the order of the alphabet."""
    modules = pkgutil.iter_modules(__path__)
    return sorted(one.name.replace("_", "-") for one in modules if not one.name.startswith("_"))


def faust_cli() -> click.Group:
    """Return Faust's command line; importing it takes half a second."""
    cli: click.Group = importlib.import_module("faust.cli.faust").cli
    return cli


def _is_ours(arguments: list[str]) -> bool:
    first = arguments[0] if arguments else "--help"
    return first in ("-h", "--help", "--version") or first in our_commands()


def _run_faust(arguments: list[str]) -> int:
    """Run Faust's command line as ``faust -A vesselflow.app ARGUMENTS`` does.

    Raises: UsageError for a command that neither has.
    """
    # Faust looks for -A in this very list, which it keeps from its import on.
    sys.argv[1:] = ["-A", APP, *arguments]
    cli = faust_cli()
    known = [*our_commands(), *cli.commands]
    if not arguments[0].startswith("-") and arguments[0] not in known:
        near = difflib.get_close_matches(arguments[0], known, n=1)
        hint = f"did you mean {near[0]}?" if near else "`vesselflow --help` lists them"
        raise UsageError(f"expected a command, got {arguments[0]!r}: {hint}")
    result = cli.main(sys.argv[1:], prog_name="vesselflow", standalone_mode=False)
    return result if isinstance(result, int) else 0
