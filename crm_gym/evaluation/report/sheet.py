"""The page: one file that needs nothing else, and can reach nothing else."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from crm_gym.errors import UsageError
from crm_gym.evaluation.log import read_log
from crm_gym.evaluation.metrics import Played
from crm_gym.evaluation.redact import Redactor
from crm_gym.evaluation.report import beside, body, head
from crm_gym.evaluation.report.data import (
    BLOCK,
    INDEX_COLUMNS,
    Opinion,
    Source,
    blocks_of,
    cut_of,
    index_of,
    packed,
    sources_of,
)
from crm_gym.evaluation.report.markup import Markup, joined, tag

FILTERS: Final = ("run", "outcome", "reason", "tool", "family", "level", "polarity")
"""Columns of the index that have a choice each, beside the search."""

GENERATOR: Final = "crm_gym report"
_BEGIN: Final = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="generator" content="' + GENERATOR
)

_TEXTS = re.compile(r'(?<=>)[^<>]+(?=<)|(?<==")[^"]+(?=")')

Path_ = str | os.PathLike[str]


def report(paths: Sequence[Path_ | Played], out: Path_, opinions: Sequence[Opinion] = ()) -> Path:
    """Write logs as one page that opens from disk, without a network.

    Args:
        paths: The logs, or their files; the first is the one that others are compared with.
        out: The page's file; an older page is replaced, anything else is not.
        opinions: Second opinions: mappings with run, seed and trial of an episode, a grade and a reason.

    Returns:
        The page's file.

    Raises:
        UsageError: If a log cannot be read, or the page not be written.
    """
    if not paths:
        raise UsageError("a report needs at least one log")
    logs = [path if isinstance(path, Played) else read_log(path) for path in paths]
    where = Path(out)
    _may_write(where)
    _write(where, page(logs, opinions))
    return where


def page(logs: Sequence[Played], opinions: Sequence[Opinion] = (), redact: Callable[[str], str] | None = None) -> str:
    """The page as text: ASCII, its data compressed."""
    clean = _when_needed(Redactor()) if redact is None else redact
    sources = sources_of(logs)
    cut = cut_of(sources)
    blocks = list(blocks_of(sources, opinions, clean, cut))
    meta = {
        "columns": INDEX_COLUMNS,
        "block": BLOCK,
        "blocks": len(blocks),
        "runs": [
            {"label": clean(source.label), "model": clean(source.log.run["model"] or "") or None} for source in sources
        ],
    }
    text = "".join(
        [
            _top(clean(", ".join(source.label for source in sources))),
            _without(_main(sources, opinions), clean),
            _data("meta", json.dumps(meta).replace("<", "\\u003c"), "application/json"),
            _data("index", packed(index_of(sources), clean)),
            *(_data(f"block{number}", block) for number, block in enumerate(blocks)),
            f"<script>{_part('page.js')}</script></body></html>\n",
        ]
    )
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _when_needed(redact: Redactor) -> Callable[[str], str]:
    """Redacting only what has something in it: that is found out faster."""
    return lambda text: redact(text) if redact.finds(text) else text


def _without(markup: str, clean: Callable[[str], str]) -> str:
    """Markup without secrets; taken out of each text and attribute, so that no tag goes with one."""
    return markup if clean(markup) == markup else _TEXTS.sub(lambda found: clean(found[0]), markup)


def _data(name: str, text: str, kind: str = "text/plain") -> str:
    """A script element that no browser runs; the text must be without `<`."""
    return f'<script type="{kind}" id="{name}">{text}</script>\n'


@functools.cache
def _part(name: str) -> str:
    return files("crm_gym.evaluation.report").joinpath(name).read_text(encoding="ascii").strip()


def _policy() -> str:
    """Only this page's own script and style, by their hashes; nothing may be fetched, sent or embedded."""
    script, style = (_hash(_part(name)) for name in ("page.js", "style.css"))
    return (
        f"default-src 'none'; script-src '{script}'; style-src '{style}'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _top(labels: str) -> str:
    title = tag("title", "crm_gym: ", labels)
    return (
        _BEGIN + '">' + tag("meta", http_equiv="Content-Security-Policy", content=_policy())
        + '<meta name="viewport" content="width=device-width, initial-scale=1">'
        + '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        + title + "<style>" + _part("style.css") + "</style></head><body>"
    )  # fmt: skip


def _main(sources: Sequence[Source], opinions: Sequence[Opinion]) -> Markup:
    sections = [
        ("overview", "Overview", joined(head.overview(sources), head.settings(sources))),
        ("success", "Success", head.breakdowns(sources)),
        ("trials", "Trials", head.trials(sources)),
        ("failures", "Failures", body.failures(sources)),
        ("compare", "Side by side", beside.comparisons(sources)),
        ("work", "Work", body.work(sources)),
        ("cost", "Cost", body.costs(sources)),
        ("opinions", "Second opinions", beside.second_opinions(sources, opinions)),
        ("episodes", "Episodes", _episodes()),
    ]
    shown = [(name, title, content) for name, title, content in sections if content is not None]
    links = (tag("a", title, href=f"#{name}") for name, title, _ in shown)
    theme = tag("button", "Light or dark", id="theme", type="button", class_="plain")
    top = tag("header", tag("h1", "crm_gym"), tag("nav", *links, aria_label="Sections"), theme)
    blocks = (tag("section", tag("h2", title, class_="title"), content, id=name) for name, title, content in shown)
    return joined(top, tag("main", *blocks))


def _episodes() -> Markup:
    """Where the script puts filters, the list, and the episode that is open."""
    fields = [tag("label", tag("span", name.capitalize()), tag("select", name=name)) for name in FILTERS]
    search = tag("label", tag("span", "Search"), _search(), class_="search")
    clear = tag("button", "Clear", type="reset", class_="plain")
    form = tag("form", search, *fields, clear, id="filters")
    listing = tag("div", tag("p", id="found", role="status"), tag("ol", id="list"), tag("div", id="more"), id="left")
    missing = tag("noscript", tag("p", "Episodes need JavaScript; all else on this page does not.", class_="warn"))
    return joined(missing, form, tag("div", listing, tag("article", id="episode", tabindex="-1"), id="desk"))


def _search() -> Markup:
    hint = "request, task, tool, refusal, last words"
    return tag("input", type="search", name="q", placeholder=hint, autocomplete="off", spellcheck="false")


def _may_write(path: Path) -> None:
    """Refuse to replace what is no report: a log, most of all."""
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise UsageError(f"{path} is a folder; say the page's file")
        with open(path, "rb") as file:
            begin = file.read(len(_BEGIN))
    except FileNotFoundError:
        return
    except OSError as fault:
        raise UsageError(f"{path} cannot be written: {fault.strerror}; give another file") from None
    if begin and begin != _BEGIN.encode():
        raise UsageError(f"{path} is there and is no report of ours: it is not replaced; give another file")


def _write(path: Path, text: str) -> None:
    """Whole or not at all; readable by its owner alone, as the logs are."""
    name = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="ascii", dir=path.parent, suffix=".part", delete=False) as file:
            name = file.name
            file.write(text)
        os.replace(name, path)
    except BaseException as fault:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        if isinstance(fault, OSError):
            raise UsageError(f"{path} cannot be written: {fault.strerror}; give another file") from None
        raise


def figures_of(logs: Sequence[Played]) -> dict[str, Any]:
    """What the page says of each log, by the names it has there."""
    return {source.label: source.figures for source in sources_of(logs)}
