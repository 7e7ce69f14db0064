"""The command `crm-agents`: let an agent play a suite and judge it; train a policy."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from crm_agents.runs import EPISODES_FILE, PLAYERS, SUMMARY_FILE, Make, Run, RunFolder, Summary, play, to_json
from crm_agents.watching import watch
from crm_gym import SUITES, InfraError, TaskError, UsageError, near_miss

OK, USAGE, STOPPED = 0, 2, 130
"""Exit codes: the run was played, whatever the agent's success; the command asks for what does not exist; Ctrl-C."""

COMMANDS = ("eval", "train", "watch")


HELP = """Let an agent play a suite; print a table by tool and keep one record per episode.

With --episodes N the environment draws N tasks, by the seeds SEED, SEED+1, ...; without it every task of the suite
is played once, in order. The same command writes the same bytes.

Examples:
  crm-agents eval --agent oracle --out runs/oracle
  crm-agents eval --agent random --suite core --episodes 200 --seed 7 --out runs/random
  crm-agents eval --agent echo --tasks create_quote MOP-104 --refusals attempt --json

Exit codes: 0 the run was played, 2 a name, a number or a folder will not do, 130 stopped by Ctrl-C."""


@dataclass
class Eval:
    """Arguments of `crm-agents eval`."""

    agent: Annotated[str, tyro.conf.arg(metavar="|".join(PLAYERS))]
    """Who plays."""
    suite: Annotated[str | None, tyro.conf.arg(metavar="|".join(SUITES))] = None
    """Tasks to play; if not given, those of the environment id: golden for CrmEnv-v0."""
    episodes: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Number of seeded resets; if not given, every task once."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Where to keep episodes.jsonl and summary.json; if not given, runs/AGENT-SUITE."""
    seed: int = 0
    """Seed of the first episode, for environment and agent; each further one has the next."""
    env_id: str = "CrmEnv-v0"
    """A registered environment with text actions."""
    refusals: Literal["decline", "attempt"] = "decline"
    """What solves a task that must be refused: turning it down, or making the call."""
    ends_on: Literal["success", "finish"] = "success"
    """When an episode ends: as soon as the task is solved, or when the agent says so."""
    tasks: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ID|TOOL ...")] = ()
    """Only these tasks: ids or tool names."""
    json: bool = False
    """Print the summary as JSON in place of the table."""
    force: bool = False
    """Replace the run that the folder holds."""
    model: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """For the agent sb3: the folder of a trained policy, or a zip of stable-baselines3."""
    trust: bool = False
    """Load a zip, which runs whatever code its author put in."""


TRAIN_HELP = """Train a policy as a TOML file says; needs the extra sb3.

Leaves in the run's folder: the policy (safetensors and JSON), a checkpoint, progress.csv, evaluations.csv, curves.png,
events for tensorboard, result.json.

Examples:
  crm-agents train configs/ppo_form.toml
  crm-agents train configs/ppo_form.toml --set seconds=60 out=runs/quick --force
  crm-agents train configs/ppo_form.toml --resume

Exit codes: 0 the run came to its end, 2 a name, a number or a folder will not do or a database is out of reach,
130 stopped by Ctrl-C (go on with --resume)."""


@dataclass
class Train:
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


WATCH_HELP = """Watch a trained policy play one episode: every form step, then the episode. Needs the extra sb3.

Examples:
  crm-agents watch runs/ppo_form --seed 3
  crm-agents watch runs/tools-0 --families delete_quote quote_search

Exit codes: 0 the episode was played, whatever came of it, 2 a name, a number or a folder will not do, 130 stopped by
Ctrl-C."""


@dataclass
class Watch:
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


_COMMANDS: Any = (
    Annotated[Any, tyro.conf.subcommand("eval", constructor=Eval, description=HELP)]
    | Annotated[Any, tyro.conf.subcommand("train", constructor=Train, description=TRAIN_HELP)]
    | Annotated[Any, tyro.conf.subcommand("watch", constructor=Watch, description=WATCH_HELP)]
)


def evaluate(args: Eval) -> Summary:
    """Play a run and keep it in its folder."""
    run = Run(
        args.agent,
        args.suite,
        args.episodes,
        args.seed,
        args.env_id,
        args.tasks,
        args.refusals,
        args.ends_on,
        None if args.model is None else str(args.model),
        args.trust,
    )
    make = _learnt(args.model, args.trust) if args.model is not None else None
    summary = Summary(run)
    resets, env = run.resets(), run.make_env()
    if make is not None:
        make(env, run.seed)  # refuses what is made for another door while the folder is as it was
    folder = RunFolder(_folder(args, run), force=args.force)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for episode in progress.track(play(run, env, resets, make), total=len(resets), description=run.agent):
            folder.add(episode)
            summary.add(episode)
    env.close()
    folder.close(summary)
    return summary


def _learnt(model: Path, trust: bool) -> Make:
    """What makes the agent that plays a policy from a file."""
    try:
        from crm_agents.learning.agent import policy_agent
    except ModuleNotFoundError as fault:
        raise _needs_extra(fault) from None
    return policy_agent(model, trust)


def _needs_extra(fault: ModuleNotFoundError) -> UsageError:
    return UsageError(f"{fault.name} is not installed; policies need the extra sb3: pip install 'crm-gym[sb3]'")


def train(args: Train, began: float) -> dict[str, Any]:
    """Train, with a progress bar where somebody looks."""
    try:
        from crm_agents.learning.config import override
        from crm_agents.learning.train import run_train
    except ModuleNotFoundError as fault:
        raise _needs_extra(fault) from None
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


def _watch(args: Watch) -> None:
    """Print an episode as it is played."""
    for line in watch(_learnt(args.model, args.trust), args.env_id, args.families, args.seed):
        print(line, flush=True)


def _show_training(args: Train, result: dict[str, Any]) -> None:
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


_STOPPED: dict[type[Any], str] = {
    Eval: "stopped; the episodes played so far are kept, --force starts anew",
    Train: "stopped; --resume goes on, --force starts anew",
    Watch: "stopped",
}
"""What is said after Ctrl-C."""


def _folder(args: Eval, run: Run) -> Path:
    return args.out or Path("runs") / f"{run.agent}-{run.keywords()['suite']}"


def table(summary: Summary) -> Table:
    """The summary as a table by tool, all in the last row."""
    figures = summary.as_json()
    shown = Table(title=f"{figures['agent']} on {figures['suite']}", title_justify="left")
    shown.add_column("tool")
    for name in ("n", "success", "%", "mean steps"):
        shown.add_column(name, justify="right")
    for name, row in figures["by_tool"].items():
        shown.add_row(name, *_cells(row))
    shown.add_section()
    shown.add_row("all", *_cells(figures))
    return shown


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{row['episodes']}",
        f"{row['successes']}",
        f"{100 * row['success_rate']:.1f}",
        f"{row['mean_steps']:.2f}",
    )


def _show(args: Eval, summary: Summary) -> None:
    if args.json:
        print(to_json(summary.as_json(), indent=2))
        return
    Console().print(table(summary))
    folder = _folder(args, summary.run)
    print(f"{folder / EPISODES_FILE}: one record per episode\n{folder / SUMMARY_FILE}: these figures")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code. A malformed command line exits with 2 from within."""
    given = list(sys.argv[1:] if argv is None else argv)
    if given and not given[0].startswith("-") and given[0] not in COMMANDS:
        print(f"crm-agents: there is no command {given[0]!r}; {near_miss(given[0], COMMANDS)}", file=sys.stderr)
        print("crm-agents --help says more", file=sys.stderr)
        sys.exit(USAGE)
    began = time.monotonic()
    args: Eval | Train | Watch = tyro.cli(
        _COMMANDS,
        prog="crm-agents",
        description="Agents for crm_gym. Try: crm-agents eval --agent oracle --out runs/oracle",
        args=given,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    try:
        if isinstance(args, Train):
            _show_training(args, train(args, began))
        elif isinstance(args, Watch):
            _watch(args)
        else:
            _show(args, evaluate(args))
    except (UsageError, TaskError, InfraError) as fault:
        print(f"crm-agents: {fault}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print(f"crm-agents: {_STOPPED[type(args)]}", file=sys.stderr)
        return STOPPED
    return OK


if __name__ == "__main__":
    sys.exit(main())
