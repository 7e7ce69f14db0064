"""`crm-agents train`: train a policy as a TOML file says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from crm_agents.configfile import override
from crm_agents.output import OK, to_json
from crm_agents.roster import needs_extra

HELP = """Train a policy as a TOML file says; needs the extra sb3.

Leaves in the run's folder: the policy (safetensors and JSON), a checkpoint, progress.csv, evaluations.csv, curves.png,
events for tensorboard, result.json.

Examples:
  crm-agents train configs/ppo_form.toml
  crm-agents train configs/ppo_form.toml --set seconds=60 out=runs/quick --force
  crm-agents train configs/ppo_form.toml --resume

Exit codes: 0 the run came to its end, 2 a name, a number or a folder will not do or a database is out of reach,
130 stopped by Ctrl-C (go on with --resume)."""


@dataclass
class Args:
    """Arguments of `crm-agents train`."""

    config: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """The TOML file."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE ...")] = field(default=())
    """Values that go before the file's: seed=3 env.count=8."""
    resume: bool = False
    """Go on from the checkpoint in the run's folder."""
    force: bool = False
    """Replace the run that the folder holds."""
    json: bool = False
    """Print the result as JSON in place of the table."""


def run(args: Args) -> int:
    """Train, with a progress bar where somebody looks, and show the result."""
    _show(args, _train(args, time.monotonic()))
    return OK


STOPPED = "stopped; --resume goes on, --force starts anew"


def _train(args: Args, began: float) -> dict[str, Any]:
    try:
        from crm_agents.learning.train import run_train
    except ModuleNotFoundError as fault:
        raise needs_extra(fault, "policies", "sb3") from None
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("begins", total=1.0)
        return run_train(
            args.config,
            dict(override(text) for text in args.set),
            resume=args.resume,
            force=args.force,
            on_progress=lambda share, line: progress.update(bar, completed=share, description=line),
            began=began,
        )


def _show(args: Args, result: dict[str, Any]) -> None:
    if args.json:
        print(to_json(result, indent=2))
        return
    shown = Table(title=f"{result['seconds']:.0f} s, {result['steps']} steps, {result['samples']} samples cloned")
    for name in ("suite", "n", "success", "%"):
        shown.add_column(name, justify="left" if name == "suite" else "right")
    for suite in result["suites"]:
        rate = f"{100 * suite['success_rate']:.1f}"
        shown.add_row(suite["name"], f"{suite['episodes']}", f"{suite['successes']}", rate)
    Console().print(shown)
