"""`crm-agents eval`: let an agent play a suite, keep every episode, and say what came of it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from rich.console import Console
from rich.table import Table

from crm_agents.cast import PLAYERS, WITH_MODEL, Cast, cast
from crm_agents.config import EvalConfig
from crm_agents.configfile import config_of, overridden, override, read_toml
from crm_agents.output import CASSETTE_FILE, EPISODES_FILE, OK, SUMMARY_FILE, to_json, write_own
from crm_agents.progress import ProgressCallback
from crm_gym import SUITES, CrmGymError, UsageError
from crm_gym.evaluation.budget import Budget
from crm_gym.evaluation.callbacks import EpisodeCallback
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import Log, read_log
from crm_gym.evaluation.metrics import summarize
from crm_gym.evaluation.plan import Plan
from crm_gym.evaluation.records import Run

HELP = """Let an agent play a suite; print a table by tool and keep one record per episode.

What a run is stands in a TOML file (--config), on the command line, or in both: the command line goes first.
With --episodes N the environment draws N tasks, by the seeds SEED, SEED+1, ...; without it every task of the suite
is played once (or --trials times), in order. The same command writes the same records.

A run that was stopped, by whatever, goes on with the same command and --resume: no finished episode is lost or
repeated.

Examples:
  crm-agents eval --agent oracle --out runs/oracle
  crm-agents eval --agent random --suite core --episodes 200 --seed 7 --out runs/random
  crm-agents eval --agent echo --tasks create_quote MOP-104 --refusals attempt --json

With a key, or against `crm-agents fake-server`:
  crm-agents eval --config configs/eval_claude.toml --set model.effort=low budget.cost=5
  crm-agents eval --config configs/eval_claude.toml --resume

Exit codes: 0 the run was played, 2 a name, a number, a file or a key will not do, 3 a budget is used up, 130 stopped by
Ctrl-C (--resume goes on after both)."""

STOPPED = "stopped; the episodes played so far are kept: the same command with --resume goes on, --force starts anew"


@dataclass
class Args:
    """Arguments of `crm-agents eval`."""

    agent: Annotated[str | None, tyro.conf.arg(metavar="|".join(PLAYERS))] = None
    """Who plays; needed if no --config says it."""
    config: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """A TOML file; those in configs/ are examples."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE ...")] = field(default=())
    """Values that go before the file's: run.trials=4 budget.cost=2.5."""
    suite: Annotated[str | None, tyro.conf.arg(metavar="|".join(SUITES))] = None
    """Tasks to play; if not given, those of the environment id: golden for CrmEnv-v0."""
    episodes: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Number of seeded resets; if not given, every task of the suite."""
    trials: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """How often each task is played; 1 if not given."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Where to keep episodes.jsonl and summary.json; if not given, runs/AGENT-SUITE."""
    seed: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Seed of the first task, for environment and agent; each further one has the next. 0 if not given."""
    env_id: Annotated[str | None, tyro.conf.arg(metavar="ID")] = None
    """A registered environment with text actions; CrmEnv-v0 if not given."""
    refusals: Literal["decline", "attempt"] | None = None
    """What solves a task that must be refused: turning it down (decline, if not given), or making the call."""
    ends_on: Literal["success", "finish"] | None = None
    """When an episode ends: as soon as the task is solved (success, if not given), or when the agent says so."""
    tasks: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ID|TOOL ...")] = ()
    """Only these tasks: ids or tool names."""
    workers: Annotated[int | None, tyro.conf.arg(metavar="N")] = None
    """Model calls in flight, or processes."""
    executor: Literal["serial", "async", "process", "ray"] | None = None
    """Where episodes are played; if not given, async for agents with a model, processes where workers are many."""
    json: bool = False
    """Print the summary as JSON in place of the table."""
    resume: bool = False
    """Go on with the run that the folder holds; episodes that an outage ended are played again."""
    force: bool = False
    """Replace the run that the folder holds."""
    model: Annotated[str | None, tyro.conf.arg(metavar="NAME|FOLDER")] = None
    """Name of the model; for the agent sb3 the folder of a trained policy, or a zip of stable-baselines3."""
    base_url: Annotated[str | None, tyro.conf.arg(metavar="URL")] = None
    """Server of the model; if not given, the provider's own."""
    cassette: Literal["record", "replay", "off"] | None = None
    """Keep every model call in the run's folder, or play from what is kept there."""
    trust: bool = False
    """Load a zip, which runs whatever code its author put in."""


def run(args: Args) -> int:
    """Play, keep, show."""
    config = configured(args)
    folder = Path(config.out or usual_folder(config))
    plan = plan_of(config)
    players = cast(config, folder / CASSETTE_FILE)
    begun = _Begun(folder)
    try:
        players.check(plan)
        _may_be_used(folder, args)
        log = _played(config, players, begun, args)
    except (CrmGymError, KeyboardInterrupt):
        with contextlib.suppress(UsageError, OSError):  # a full disk, perhaps; what stopped the run is what to say
            if begun.begun:
                _left(folder, fresh=not (args.force or args.resume))
        raise
    finally:
        players.close()
    figures = _summed_up(log, folder)
    if args.json:
        print(to_json(figures, indent=2))
    else:
        show(figures, folder)
    return OK


class _Begun(EpisodeCallback):
    """Knows whether the run has begun; then, and not before, what an earlier one left beside the log goes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.begun = folder, False

    def on_run_begin(self, run: Run) -> None:
        """The log is open, and nobody else's."""
        self.begun = True
        with contextlib.suppress(OSError):  # said when the new one is written
            (self.folder / SUMMARY_FILE).unlink(missing_ok=True)


def _left(folder: Path, *, fresh: bool) -> None:
    """Sum up what a stopped run has left; one that has played nothing leaves nothing that would be in the way."""
    log = read_log(folder / EPISODES_FILE)
    if fresh and not log.episodes and not log.faults:
        log.path.unlink()
    else:
        _summed_up(log, folder)


def _summed_up(log: Log, folder: Path) -> dict[str, Any]:
    """The figures of a log, kept beside it."""
    figures = {"run": log.run, **summarize(log)}
    write_own(folder / SUMMARY_FILE, to_json(figures, indent=2) + "\n")
    return figures


def configured(args: Args) -> EvalConfig:
    """The config that the file and the command line come to."""
    given = {} if args.config is None else read_toml(args.config)
    said = {
        "agent": args.agent,
        "out": None if args.out is None else str(args.out),
        "trust": args.trust or None,
        "model.base_url": args.base_url,
        "cassette.mode": args.cassette,
        **{f"run.{name}": getattr(args, name) for name in _OF_RUN},
        "run.tasks": args.tasks or None,
    }
    overridden(given, {name: value for name, value in said.items() if value is not None})
    overridden(given, dict(override(text) for text in args.set))
    if "agent" not in given:
        raise UsageError(f"who plays? say --agent NAME, or a --config FILE that does; agents are {', '.join(PLAYERS)}")
    if given["agent"] == "human" and args.json:
        raise UsageError("agent 'human' talks on standard output; leave --json out: summary.json has the figures")
    if args.model is not None:
        with_model = given["agent"] in WITH_MODEL
        overridden(given, {"model.name" if with_model else "policy": args.model})
    return config_of(EvalConfig, given)


_OF_RUN = ("suite", "episodes", "trials", "seed", "env_id", "refusals", "ends_on", "workers", "executor")


def usual_folder(config: EvalConfig) -> Path:
    """Where a run goes if nobody says."""
    return Path("runs") / f"{config.agent}-{plan_of(config).keywords()['suite']}"


def plan_of(config: EvalConfig) -> Plan:
    """What a config says is played."""
    return Plan(**config.run.model_dump(exclude={"workers", "executor"}))


def _may_be_used(folder: Path, args: Args) -> None:
    """Whether the folder is free for the run.

    Raises:
        UsageError: If it holds another and nobody said what to do with it.
    """
    if args.force and args.resume:
        raise UsageError("--resume goes on with a run and --force replaces it: say one of them")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as fault:
        why = getattr(fault, "strerror", None) or fault
        raise UsageError(f"{folder} cannot be written: {why}; give another --out") from None
    there = [name for name in (EPISODES_FILE, SUMMARY_FILE) if os.path.lexists(folder / name)]
    if there and not (args.force or args.resume):
        raise UsageError(
            f"{folder} already holds a run; --resume goes on with it, --force replaces it, or give another --out"
        )


def _played(config: EvalConfig, players: Cast, begun: _Begun, args: Args) -> Log:
    console = Console(stderr=True)
    budget = config.budget.model_dump()
    harness = BaselineHarness(
        players.agent,
        begun.folder / EPISODES_FILE,
        plan=plan_of(config),
        name=players.name,
        settings=players.settings,
        make_env=players.make_env,
        executor=config.run.executor,
        workers=config.run.workers,
        budget=Budget(**budget) if any(value is not None for value in budget.values()) else None,
        callbacks=[begun, *([ProgressCallback(console)] if console.is_terminal else [])],
        resume=args.resume,
        force=args.force,
    )
    return harness.run()


def show(figures: dict[str, Any], folder: Path) -> None:
    """Print the figures as a table by tool, all in the last row, and where the files are."""
    Console().print(table(figures))
    for line in headline(figures):
        print(line)
    print(f"{folder / EPISODES_FILE}: one record per episode\n{folder / SUMMARY_FILE}: these figures")


def table(figures: dict[str, Any]) -> Table:
    """The figures by tool, all in the last row."""
    run = figures["run"]
    shown = Table(title=f"{run['agent']} on {run['env']['suite']}", title_justify="left")
    shown.add_column("tool")
    for name in ("n", "success", "%", "mean steps"):
        shown.add_column(name, justify="right")
    for row in figures["by_tool"]:
        shown.add_row(row["name"], *_cells(row["count"], row["successes"], row["mean_steps"]))
    shown.add_section()
    all_ = figures["success"]
    steps = figures["steps"] and figures["steps"]["mean"]
    shown.add_row("all", *_cells(all_["count"], all_["successes"], steps))
    return shown


def _cells(count: int, successes: int, steps: float | None) -> tuple[str, ...]:
    rate = f"{100 * successes / count:.1f}" if count else "-"
    return f"{count}", f"{successes}", rate, "-" if steps is None else f"{steps:.2f}"


def headline(figures: dict[str, Any]) -> list[str]:
    """What must not be overlooked: outages, what is left to play, what it cost."""
    lines = []
    if figures["infra_errors"]:
        why = ", ".join(f"{reason} {count}" for reason, count in figures["infra"].items())
        lines.append(
            f"{figures['infra_errors']} episodes were ended by an outage ({why}) and do not count; "
            "--resume plays them again"
        )
    if figures["planned"] is not None and figures["played"] < figures["planned"]:
        left = figures["planned"] - figures["played"]
        lines.append(f"{left} of {figures['planned']} episodes are still to be played")
    if figures.get("model"):
        model = figures["model"]
        cost = "unknown (no price)" if model["cost"] is None else f"${model['cost']:.4f}"
        tokens = ", ".join(f"{kind} {count:,}" for kind, count in model["tokens"].items())
        lines.append(f"{model['calls']:,} model calls; tokens: {tokens}; cost: {cost}")
        if model["unfinished"]["calls"]:
            lines.append(f"{model['unfinished']['calls']:,} calls besides, in episodes that were not finished")
    return lines
