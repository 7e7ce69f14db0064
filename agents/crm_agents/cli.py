"""The command `crm-agents`: let agents play and measure them, train policies, judge and compare what came of it."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import tyro

from crm_agents.output import BUDGET, OK, STOPPED, USAGE
from crm_gym import BudgetSpent, InfraError, TaskError, UsageError, near_miss
from crm_gym.evaluation.log import LogWarning
from crm_gym.evaluation.redact import redacted_output

COMMANDS = ("eval", "report", "compare", "regrade", "verify-log", "judge", "fake-server", "train", "watch")
"""Each command is a module of `crm_agents.commands`, loaded when it is asked for."""

_TRY = "Try: crm-agents eval --agent oracle --out runs/oracle"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code. A malformed command line exits with 2 from within."""
    given = list(sys.argv[1:] if argv is None else argv)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed before we began
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    with redacted_output(), warnings.catch_warnings():
        warnings.showwarning = _warn
        warnings.simplefilter("always", LogWarning)
        try:
            return _main(given)
        except BrokenPipeError:  # whoever read the output has left
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return OK
        except OSError as fault:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            print(f"crm-agents: {fault.strerror or fault}", file=sys.stderr)
            return USAGE


def _main(given: list[str]) -> int:
    if not given or given[0] in ("-h", "--help"):
        return _help(wanted=bool(given))
    name, *rest = given
    if name not in COMMANDS:
        print(f"crm-agents: there is no command {name!r}; {near_miss(name, COMMANDS)}", file=sys.stderr)
        print("crm-agents --help says more", file=sys.stderr)
        sys.exit(USAGE)
    command = _module(name)
    args = tyro.cli(
        command.Args,
        prog=f"crm-agents {name}",
        description=command.HELP,
        args=rest,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    try:
        return int(command.run(args))
    except (UsageError, TaskError, InfraError) as fault:
        print(f"crm-agents: {fault}", file=sys.stderr)
        return USAGE
    except BudgetSpent as fault:
        print(f"crm-agents: {fault}", file=sys.stderr)
        return BUDGET
    except KeyboardInterrupt as stop:
        print(f"crm-agents: {str(stop) or getattr(command, 'STOPPED', 'stopped')}", file=sys.stderr)
        return STOPPED


def _module(name: str) -> Any:
    return importlib.import_module(f"crm_agents.commands.{name.replace('-', '_')}")


def _help(*, wanted: bool) -> int:
    """Print the commands, a line each; if nobody asked, that is a malformed command line."""
    lines = ["usage: crm-agents COMMAND ...", "", f"Agents for crm_gym. {_TRY}", ""]
    for name in COMMANDS:
        first = " ".join(_module(name).HELP.split("\n\n")[0].split())
        lines.append(f"  {name:12} {first.partition('. ')[0].rstrip('.').partition(';')[0]}")
    lines += ["", "crm-agents COMMAND --help says more."]
    print("\n".join(lines), file=sys.stdout if wanted else sys.stderr)
    if not wanted:
        sys.exit(USAGE)
    return OK


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning in a line, without the place in the code."""
    print(f"crm-agents: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
