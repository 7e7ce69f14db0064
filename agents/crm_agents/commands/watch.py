"""`crm-agents watch`: watch a trained policy play one episode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from crm_agents.output import OK
from crm_agents.roster import learnt
from crm_agents.watching import watch

HELP = """Watch a trained policy play one episode: every form step, then the episode. Needs the extra sb3.

Examples:
  crm-agents watch runs/ppo_form --seed 3
  crm-agents watch runs/tools-0 --families delete_quote quote_search

Exit codes: 0 the episode was played, whatever came of it, 2 a name, a number or a folder will not do, 130 stopped by
Ctrl-C."""


@dataclass
class Args:
    """Arguments of `crm-agents watch`."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """The folder of a trained policy, or a zip of stable-baselines3."""
    env_id: str = "CrmEnvForm-Test-v0"
    """A registered environment with the form door."""
    families: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = ()
    """Only tasks of these families, or kinds of them."""
    seed: int = 0
    """Seed of the episode."""
    trust: bool = False
    """Load a zip, which runs whatever code its author put in."""


def run(args: Args) -> int:
    """Print an episode as it is played."""
    for line in watch(learnt(args.model, args.trust), args.env_id, args.families, args.seed):
        print(line, flush=True)
    return OK


STOPPED = "stopped"
