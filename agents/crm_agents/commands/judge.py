"""`crm-agents judge`: a model's opinion of a suite or of a log, and how far a judge can be trusted."""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar

import tyro
from rich.console import Console
from rich.progress import Progress

from crm_agents.configfile import config_of, override, read_toml
from crm_agents.judge.calibrate import calibrate
from crm_agents.judge.callback import JudgeWarning
from crm_agents.judge.config import CALIBRATION_FILE, JudgeConfig, callback_of, client_of, cost_of
from crm_agents.judge.coverage import review
from crm_agents.judge.digest import digest
from crm_agents.judge.figures import sealed
from crm_agents.judge.gate import looser, refusals
from crm_agents.judge.items import attacks, items
from crm_agents.judge.judge import Judge
from crm_agents.judge.opinions import key_of, read_opinions
from crm_agents.judge.pages import calibration_page, coverage_page
from crm_agents.llm.chat import ModelClient
from crm_agents.llm.faults import SetupFault
from crm_agents.output import FAULTS, OK, OPINIONS_FILE, log_in, to_json, write_own
from crm_gym import SPLITS, SUITES, Task, UsageError, load_suite
from crm_gym.evaluation.lines import plain
from crm_gym.evaluation.log import read_log
from crm_gym.evaluation.redact import Redactor
from crm_gym.tasks.generator import RECORDS, Generator

HELP = """Ask a model for an opinion of a suite, or of what an agent told its users; measure how far it can be trusted.
No opinion moves a reward, a verdict or a record.

  calibrate  ask the judge about cases whose truth is known; a judge that does not come through the gate is refused
  log        grade what the agent of a log told its users; opinions go to a file of their own
  coverage   gaps, ambiguities and duplicates in a suite, from a digest without identifiers

Examples:
  crm-agents judge calibrate --config configs/judge.toml
  crm-agents judge log runs/claude --config configs/judge.toml
  crm-agents judge coverage --config configs/judge.toml --suite core

Without a key, against `crm-agents fake-server --port 8765` (whose rules are no judge, and are refused):
  crm-agents judge calibrate --config configs/judge_fake.toml

Exit codes: 0 done, 1 the judge does not come through the gate or could not be asked about all, 2 a name, a number, a
file or a key will not do or the judge is refused, 130 stopped by Ctrl-C."""

STOPPED = "stopped; opinions, and answers on a cassette, are kept: the same command goes on"
HURRIED = (
    "crm-agents judge: the episodes of this log ended as soon as they were solved, most of them before the agent could "
    "tell the user; judge a run with ends_on = finish"
)
GENERATED = "generated"

_T = TypeVar("_T")
_Config: TypeAlias = Annotated[Path, tyro.conf.arg(metavar="FILE")]
_Set: TypeAlias = Annotated[tuple[str, ...], tyro.conf.arg(metavar="KEY=VALUE ...")]


@dataclass
class Calibrate:
    """Measure a judge on cases whose truth is known; leaves calibration.json and calibration.md in its folder."""

    config: _Config
    """The TOML file of the judge."""
    set: _Set = field(default=())
    """Values that go before the file's: model.effort=low flips=124."""
    json: bool = False
    """Print the calibration as JSON in place of the page."""
    force: bool = False
    """Replace the calibration that the folder holds."""


@dataclass
class LogArgs:
    """Grade what the agent of a log told its users; goes on where an earlier call left off."""

    log: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="LOG|FOLDER")]
    """The log, or the folder of a run."""
    config: _Config
    """The TOML file of the judge."""
    set: _Set = field(default=())
    """Values that go before the file's."""
    calibration: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """What `judge calibrate` wrote; if not given, calibration.json in the judge's folder."""
    allow_uncalibrated: bool = False
    """Use a judge that has not come through the gate; each of its opinions says so."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The file of opinions; if not given, opinions.jsonl beside the log."""
    json: bool = False
    """Print the counts as JSON."""


@dataclass
class Coverage:
    """Find gaps, ambiguities and duplicates in a suite; leaves coverage-SUITE.json and .md in the judge's folder."""

    config: _Config
    """The TOML file of the judge."""
    set: _Set = field(default=())
    """Values that go before the file's: chunk_chars=80000."""
    suite: Annotated[str, tyro.conf.arg(metavar="|".join((*SUITES, GENERATED)))] = "golden"
    """The suite."""
    tasks: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ID|TOOL ...")] = ()
    """Only these tasks of it: ids or tool names."""
    split: Annotated[str, tyro.conf.arg(metavar="|".join(SPLITS))] = "train"
    """With suite generated: the split."""
    count: int = 200
    """With suite generated: how many tasks."""
    digest_only: bool = False
    """Print what would be sent, and send nothing."""
    json: bool = False
    """Print the findings as JSON in place of the page."""
    force: bool = False
    """Replace the findings that the folder holds."""


@dataclass
class Args:
    """Arguments of `crm-agents judge`."""

    use: Annotated[
        Annotated[Calibrate, tyro.conf.subcommand("calibrate")]
        | Annotated[LogArgs, tyro.conf.subcommand("log")]
        | Annotated[Coverage, tyro.conf.subcommand("coverage")],
        tyro.conf.arg(name=""),
    ]
    """What is asked for."""


def run(args: Args) -> int:
    """Do it; the exit code.

    Raises:
        UsageError: If anything asked for does not exist, or the judge is refused.
    """
    use = args.use
    if isinstance(use, Coverage):
        return _coverage(use)
    return _calibrate(use) if isinstance(use, Calibrate) else _log(use)


def _calibrate(args: Calibrate) -> int:
    config = _config(args.config, args.set)
    cost_of(config, {})  # a table that cannot be read is said to be before anything is spent
    file = _new(Path(config.out) / CALIBRATION_FILE, args.force)

    async def ask(client: ModelClient) -> dict[str, Any]:
        with _progress("calibrate") as on_answer:
            return await calibrate(
                Judge(client), items(), attacks(), flips=config.flips, at_once=config.at_once, on_answer=on_answer
            )

    made = _asked(config, ask)
    reasons = (*refusals(made, config.gate), *looser(config.gate))
    made |= {"gate": config.gate.model_dump(), "passed": not reasons, "refused": list(reasons)}
    made["cost"] = cost_of(config, made["tokens"])
    made = sealed(plain(made, Redactor()))  # the check is of what is written, without secrets
    _keep(file, made, calibration_page(made, config.gate), args.json)
    return FAULTS if reasons else OK


def _coverage(args: Coverage) -> int:
    config = _config(args.config, args.set)
    cost_of(config, {})
    suite = digest(_tasks(args))
    if args.digest_only:
        told = {"summary": suite.summary, "cases": [entry.told for entry in suite.entries]}
        print(to_json(told, indent=2))
        return OK
    file = _new(Path(config.out) / f"coverage-{args.suite}.json", args.force)

    async def ask(client: ModelClient) -> dict[str, Any]:
        return await review(client, suite, chunk_chars=config.chunk_chars, at_once=config.at_once)

    made = {**_asked(config, ask), "suite": args.suite}
    made["cost"] = cost_of(config, made["tokens"])
    _keep(file, made, coverage_page(made), args.json)
    return OK


def _log(args: LogArgs) -> int:
    config = _config(args.config, args.set)
    log = read_log(log_in(args.log))
    file = args.out or log.path.with_name(OPINIONS_FILE)
    callback = callback_of(config, file, calibration=args.calibration, allow_uncalibrated=args.allow_uncalibrated)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JudgeWarning)  # said below
        callback.catch_up(log)
    if callback.faults:
        print(f"crm-agents judge: {callback.faults[0]} ({len(callback.faults)} faults in all)", file=sys.stderr)
    outcomes = {key_of(record): record["outcome"] for record in log.episodes}
    counts = Counter((outcomes[key_of(one)], one["grade"]) for one in read_opinions(file, [log]))
    told = {"opinions": str(file), "calibrated": callback.licence.calibrated, "counts": _nested(counts)}
    if log.run["env"].get("ends_on") == "success":
        print(HURRIED, file=sys.stderr)
    if args.json:
        print(to_json(told, indent=2))
        return FAULTS if callback.faults else OK
    if not callback.licence.calibrated:
        print(f"the judge is not calibrated: {'; '.join(callback.licence.reasons)}")
    for (outcome, grade), count in sorted(counts.items()):
        print(f"{count:6} {outcome}, called {grade}")
    print(f"{file}: an opinion on each episode that was judged; the verdicts are as they were")
    return FAULTS if callback.faults else OK


def _nested(counts: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    made: dict[str, dict[str, int]] = {}
    for (outcome, grade), count in sorted(counts.items()):
        made.setdefault(outcome, {})[grade] = count
    return made


def _tasks(args: Coverage) -> tuple[Task, ...]:
    if args.suite != GENERATED:
        return load_suite(args.suite, args.tasks or None)
    if args.count < 1:
        raise UsageError(f"count must be 1 or more; got {args.count}")
    generator = Generator(args.split, families=args.tasks or None, records=RECORDS)
    return tuple(generator.task(number) for number in range(args.count))


def _config(path: Path, given: tuple[str, ...]) -> JudgeConfig:
    return config_of(JudgeConfig, read_toml(path, dict(override(text) for text in given)))


def _asked(config: JudgeConfig, ask: Callable[[ModelClient], Awaitable[_T]]) -> _T:
    """What comes of asking a model, whose connections are closed afterwards."""

    async def whole() -> _T:
        client = client_of(config)
        try:
            return await ask(client)
        finally:
            await client.aclose()

    try:
        return asyncio.run(whole())
    except SetupFault as fault:
        raise UsageError(f"the model cannot be asked: {fault}") from None


def _new(file: Path, force: bool) -> Path:
    if file.exists() and not force:
        raise UsageError(f"{file} is there already; --force replaces it, or give another folder: --set out=FOLDER")
    return file


def _keep(file: Path, made: dict[str, Any], page: str, as_json: bool) -> None:
    """Write JSON and Markdown, and show one of them."""
    redact = Redactor()
    text, page = redact(to_json(made, indent=2) + "\n"), redact(page)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_own(file, text)
        write_own(file.with_suffix(".md"), page)
    except OSError as fault:
        raise UsageError(f"{file} cannot be written: {fault.strerror}; give another folder: --set out=FOLDER") from None
    print(text if as_json else page, end="")


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar where somebody looks."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(bar, completed=done, total=total)
