"""What a page holds of its logs: an index of all episodes, and blocks with what is shown when one is opened."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import numpy as np

from crm_gym.evaluation.lines import plain, without_secrets
from crm_gym.evaluation.metrics import Figures, Played, summarize, tool_of
from crm_gym.evaluation.records import EpisodeRecord
from crm_gym.evaluation.report.said import fingerprint

BLOCK: Final = 50
"""Episodes in a block: one is read when the first of its episodes is opened."""

RESULTS_CHARS: Final = 36_000_000
"""Characters of results that a page holds at most: of long ones the beginning, if they are more; the log has all."""

CUTS: Final = (16_000, 8_000, 6_000, 4_000, 3_000, 2_000, 1_500, 1_000, 700, 500)
"""How much of a long result may be left of it."""

_OF_THE_RUN = frozenset(("kind", "schema", "run", "agent", "model", "prompt", "tasks", "code", "check"))
_IN_THE_INDEX = frozenset(("request", "task", "family", "level", "polarity", "seed", "trial", "index"))

Opinion = Mapping[str, Any]
Redact = Callable[[str], str]


@dataclass(frozen=True)
class Source:
    """A log on the page.

    Attributes:
        label: Its name there, different from every other's.
        log: The log.
        figures: Its summary.
        file: Name of its file, without folders.
        faults: What was wrong with its lines.
    """

    label: str
    log: Played
    figures: Figures
    file: str
    faults: tuple[str, ...]


def sources_of(logs: Sequence[Played]) -> list[Source]:
    """Logs with their figures and names that differ."""
    names = [_names(log) for log in logs]
    labels = [next(_unlike(row, place, names)) for place, row in enumerate(names)]
    return [
        Source(label, log, summarize(log), _file(log), tuple(str(fault) for fault in getattr(log, "faults", ())))
        for label, log in zip(labels, logs, strict=True)
    ]


def _file(log: Played) -> str:
    return getattr(getattr(log, "path", None), "name", "")


def _names(log: Played) -> list[str]:
    """Names for a log, the shortest first."""
    agent, model, seed = log.run["agent"], log.run["model"], log.run["seed"]
    name = f"{agent} {model}" if model else agent
    return [name, f"{name} seed {seed}", f"{name} {_file(log)}".strip(), f"{name} {log.run['run']}"]


def _unlike(row: list[str], place: int, names: list[list[str]]) -> Iterator[str]:
    """The names of a log that no other log has, and in the end one with its number."""
    others = {name for at, other in enumerate(names) if at != place for name in other}
    yield from (name for name in row if name not in others)
    yield f"{row[0]} ({place + 1})"


def packed(values: Iterable[object], redact: Redact = str) -> str:
    """A list as JSON, compressed, as letters that mean nothing to HTML; secrets are looked for in each value."""
    return pressed("[" + ",".join(_clean(value, redact) for value in values) + "]")


def _clean(value: object, redact: Redact) -> str:
    """JSON without secrets. Taken out of the text, one could take a quote or a bracket with it: so text by text."""
    text = _json(value)
    if redact(text) == text:
        return text
    return _json(without_secrets(value, redact) if isinstance(value, Mapping) else plain(value, redact, figures=True))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def pressed(text: str) -> str:
    """ASCII, compressed, as letters."""
    return base64.b64encode(zlib.compress(text.encode("ascii"), 7)).decode("ascii")


INDEX_COLUMNS: Final = (
    "run",
    "index",
    "task",
    "tool",
    "family",
    "level",
    "polarity",
    "seed",
    "trial",
    "outcome",
    "reason",
    "steps",
    "request",
    "more",
)
"""What the index has of each episode. run: number of its log on the page. more: what else a search looks through:
tools called, refusal codes, slips, last words and notes."""


def index_of(sources: Sequence[Source]) -> list[list[Any]]:
    """A row for each episode, in the order of `INDEX_COLUMNS`."""
    return [
        [run, *(_cell(record, name) for name in INDEX_COLUMNS[1:])]
        for run, source in enumerate(sources)
        for record in source.log.episodes
    ]


def _cell(record: EpisodeRecord, name: str) -> Any:
    if name == "steps":
        return len(record["steps"])
    if name == "tool":
        return tool_of(record["family"])
    return _more(record) if name == "more" else record.get(name)


def _more(record: EpisodeRecord) -> str:
    said = [record["said"], record["note"], *(slip["kind"] for slip in record["slips"])]
    called = [word for step in record["steps"] for word in (step["tool"], (step["error"] or {}).get("code"))]
    return " ".join(dict.fromkeys(word for word in (*called, *said) if word))


def cut_of(sources: Sequence[Source], most: int = RESULTS_CHARS) -> int:
    """To how many characters results are cut, so that all of them stay within a number; the last of `CUTS` at least."""
    sizes = np.array(
        [len(step["result"]) for source in sources for record in source.log.episodes for step in record["steps"]]
    )
    return next((cut for cut in CUTS if np.minimum(sizes, cut).sum() <= most), CUTS[-1])


def blocks_of(
    sources: Sequence[Source], opinions: Iterable[Opinion] = (), redact: Redact = str, cut: int = CUTS[0]
) -> Iterator[str]:
    """The episodes in the order of the index, `BLOCK` in each, packed.

    Args:
        sources: The logs.
        opinions: Second opinions on their episodes.
        redact: Takes secrets out.
        cut: To how many characters results are cut.
    """
    by_key = opinions_by_key(opinions)
    episodes = (_shown(record, by_key, cut) for source in sources for record in source.log.episodes)
    while block := list(islice(episodes, BLOCK)):
        yield packed(block, redact)


Key = tuple[Any, Any, Any]


def opinions_by_key(opinions: Iterable[Opinion]) -> dict[Key, list[Opinion]]:
    """Opinions by the run, seed and trial of the episode they are about."""
    found: dict[Key, list[Opinion]] = {}
    for opinion in opinions:
        found.setdefault((opinion.get("run"), opinion.get("seed"), opinion.get("trial")), []).append(opinion)
    return found


def key_of(record: EpisodeRecord) -> Key:
    """What an opinion must have in common with an episode."""
    return record["run"], record["seed"], record["trial"]


def opinions_on(record: EpisodeRecord, opinions: Mapping[Key, list[Opinion]]) -> tuple[list[Opinion], int]:
    """The opinions on an episode as it is, and how many there are on other words than it has.

    A run that is played once more has the name it had: an opinion may be of the time before. It says what it is about:
    the attempt, and the hash of the text it judged (`said.fingerprint`); one that says neither is taken at its word.
    """
    found = opinions.get(key_of(record))
    if not found:
        return [], 0
    text = fingerprint(record)
    fitting = [
        one
        for one in found
        if one.get("attempt", record["attempt"]) == record["attempt"] and one.get("text", text) == text
    ]
    return fitting, sum(one.get("text", text) != text for one in found)


def _shown(record: EpisodeRecord, opinions: Mapping[Key, list[Opinion]], cut: int) -> dict[str, Any]:
    """An episode but for what the index, or the page's head, has of it."""
    shown = {name: value for name, value in record.items() if name not in _OF_THE_RUN and name not in _IN_THE_INDEX}
    shown["steps"] = [_step(step, cut) for step in record["steps"]]
    about, _ = opinions_on(record, opinions)
    return shown | {"opinions": about} if about else shown


def _step(step: Mapping[str, Any], cut: int) -> Mapping[str, Any]:
    result = step["result"]
    if len(result) <= cut:
        return step
    return {**step, "result": shortened(result, cut), "cut": len(result)}


def shortened(result: str, cut: int) -> str:
    """The beginning of a long result; of a page of records the first ones, as JSON still."""
    last = result.rfind("},{", 0, cut)
    if last > 0 and '"rows":[{' in result[:200] and result.endswith("}]}"):
        return result[: last + 1] + "]}"
    return result[:cut]
