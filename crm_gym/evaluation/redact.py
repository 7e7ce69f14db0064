"""Secrets taken out of text that is about to be kept or shown: known values, and shapes that only secrets have."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, TextIO
from urllib.parse import quote, unquote

GONE: Final = "[redacted]"
"""What stands in a secret's place."""

SHORTEST = 8  # a shorter value is no secret, and would be found in ordinary words

_NAMES = re.compile(
    r"(?:^|_)(?:[A-Z0-9]*(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|COOKIE)S?|DSN|PWD|PAT|AUTH)(?:_|$)"
)
_NOT_NAMES = re.compile(r"(?:^|_)(?:FILE|FILES|PATH|DIR|HOME|SOCK|NAME|ENV|TYPE|MODE|LAYOUT)$|^(?:OLD)?PWD$")
_ORDINARY = {"required", "optional", "disabled", "password", "production", "development", "localhost", "undefined"}

_ESCAPE = r"(?<=\\[bfnrt])|(?<=\\u[0-9a-fA-F]{4})|(?<=\\x[0-9a-f]{2})"  # looks like a part of the next word
_BEGIN = rf"(?:(?<![A-Za-z0-9])|{_ESCAPE})"
_WORD = rf"(?:(?<![A-Za-z0-9_])|{_ESCAPE})"
_QUOTES = r"(?:[\"'\\]|&quot;|&#x27;)*"
_SPACE = r"(?:\s|\\[nrt])*"  # one backslash: of many, `_QUOTES` takes all but the last, in one way only
_BEARER_TO = r"bearer(?:\s|\\+[nrt])+"

_URL = re.compile(r"(?<![A-Za-z0-9])([A-Za-z][A-Za-z0-9+.-]*://)([^\s/@:\"'\\]*):([^\s/@\"'\\]+)@")
_SHAPES = re.compile(
    _BEGIN + r"(?:"
    r"sk-[A-Za-z0-9_-]{16,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"
    r"|gh[oprsu]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|hf_[A-Za-z0-9]{20,}|gsk_[A-Za-z0-9]{20,}|xai-[A-Za-z0-9]{20,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r")"
)
_IN_PEM = r"[A-Za-z0-9+/=:,\s-]|\\+[nr]"  # never a quote: what holds the key stays what it is
_PEM = re.compile(
    rf"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:{_IN_PEM})*?(?:-----END [A-Z ]*PRIVATE KEY-----|(?!{_IN_PEM}))"
)
_TOKEN = r"(?=[^\s\"'\\,;]*(?:\d|[a-z][A-Z]))[^\s\"'\\,;]{8,}"  # a digit or a hump: no word of a sentence has one
_HEADER = re.compile(
    rf"(?i:{_WORD}({_BEARER_TO}|authorization{_QUOTES}{_SPACE}[:=]{_SPACE}{_QUOTES}(?:{_BEARER_TO}|basic\s+)?"
    rf"|api-key{_QUOTES}{_SPACE}[:=]{_SPACE}{_QUOTES}))" + _TOKEN
)
_PARAMETER = re.compile(
    rf"(?i){_WORD}((?:api[_-]?key|access[_-]?token|auth[_-]?token|client[_-]?secret|password|passwd)={_QUOTES})"
    r"[^\s&\"'\\,;]{4,}"
)


def _hints(*hints: str) -> list[Callable[[str], object]]:
    """Searches for what stands in everything that a shape matches.

    Each begins with a letter that is rare: `re` looks for that by itself, which takes a fraction of the time of `in`,
    and of a pattern that begins with a choice.
    """
    return [re.compile(hint).search for hint in hints]


_IN_URLS = _hints(r"/[/][^\s/@:\"'\\]*:[^\s/@\"'\\]+@")[0]
_SK, _AWS, _GIT, _XO, _HF = _hints(
    "k(?<=sk)-", "A(?:KIA|SIA|Iza)", "g(?:h[oprsu]_|ithub_pat_|lpat-|sk_)", "x(?:ox|ai-)", "hf_"
)
_BEARER, _KEY, _SET = _hints("bearer", "k(?<=i.k)ey", "=(?<=[yntdYNTD]=)")


def has_shape(text: str) -> bool:
    """Whether a text has anything of the shape of a secret, or did before it was taken out.

    Asked of every line of every log: so for each shape something is looked for first that is quickly found not to be
    there. That takes a fiftieth of the time.
    """
    if "/" in text and _IN_URLS(text) and _URL.search(text):
        return True
    if "=" in text and _SET(text) and _PARAMETER.search(text):
        return True
    eyj = "J" in text and "eyJ" in text
    if (eyj or _SK(text) or _AWS(text) or _GIT(text) or _XO(text) or _HF(text)) and _SHAPES.search(text):
        return True
    if _PEM.search(text):
        return True
    small = text.lower()
    if _BEARER(small) or _KEY(small) or ("z" in small and "zation" in small and "authorization" in small):
        return _HEADER.search(text) is not None
    return False


class Redactor:
    """Takes secrets out of text.

    What goes: the values of environment variables whose names speak of a key, a token, a secret or a password; the
    passwords in their URLs; anything given as `more`; and whatever has the shape of a provider's key, of a password in
    a URL, of an authorization header. Each value is known as it is, and as JSON and URLs write it.

    Args:
        env: The environment variables; those of this process if not given.
        more: Further secrets, of any length.
    """

    def __init__(self, env: Mapping[str, str] | None = None, more: Iterable[str] = ()) -> None:
        values = {*_values(os.environ if env is None else env), *(value for value in more if value)}
        written = {form for value in values for form in _written(value)}
        self._known = tuple(sorted(written, key=lambda form: (-len(form), form)))  # a longer one before its part
        self._values = re.compile("|".join(map(re.escape, self._known))) if self._known else None

    def finds(self, text: str) -> bool:
        """Whether there is anything to take out."""
        for value in self._known:
            if value in text:
                return True
        return has_shape(text) and self(text) != text

    def __call__(self, text: str) -> str:
        """The text without its secrets."""
        if self._values is not None:
            text = self._values.sub(GONE, text)
        text = _SHAPES.sub(GONE, text)
        text = _PEM.sub(GONE, text)
        text = _HEADER.sub(rf"\1{GONE}", text)
        text = _PARAMETER.sub(rf"\1{GONE}", text)
        return _URL.sub(rf"\1\2:{GONE}@", text)


def _values(env: Mapping[str, str]) -> Iterator[str]:
    """The secrets among the values of environment variables."""
    for name, value in env.items():
        yield from _passwords(value)
        if _is_secret_name(name.upper()) and len(value) >= SHORTEST and value.casefold() not in _ORDINARY:
            yield value
            yield value.strip()


def _passwords(value: str) -> Iterator[str]:
    """The passwords of URLs in a value, long enough and not the user's name once more."""
    for match in _URL.finditer(value):
        user, password = match[2], match[3]
        if len(password) >= SHORTEST and password != user and password.casefold() not in _ORDINARY:
            yield from (password, unquote(password))


def _is_secret_name(name: str) -> bool:
    return bool(_NAMES.search(name)) and not _NOT_NAMES.search(name)


def _written(value: str) -> Iterator[str]:
    """A secret as it is, as JSON text, as JSON text within JSON text, as Python, HTML and a URL write it."""
    once = json.dumps(value)[1:-1]
    yield from (value, once, json.dumps(once)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    yield from (repr(value)[1:-1], ascii(value)[1:-1], html.escape(value), html.escape(value, quote=False))
    yield from (quote(value), quote(value, safe=""))


class RedactedStream:
    """A text stream from which secrets are taken line by line; all else is the stream's.

    Args:
        stream: Where the text goes.
        redact: Takes the secrets out.
    """

    def __init__(self, stream: TextIO, redact: Callable[[str], str]) -> None:
        self._stream, self._redact, self._held = stream, redact, ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write; a line that is not at its end yet is held back until it is, or until `flush`."""
        lines, end, held = (self._held + text).rpartition("\n")
        self._held = held
        if end:
            self._stream.write(self._redact(lines) + end)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write them one after another."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write what was held back."""
        held, self._held = self._held, ""
        if held:
            self._stream.write(self._redact(held))
        self._stream.flush()


@contextlib.contextmanager
def redacted_output(redact: Redactor | None = None) -> Iterator[None]:
    """Keep secrets from what is printed in the meantime, and from the traceback of an error that nobody catches.

    Args:
        redact: Takes the secrets out; if not given, those of this process's environment.
    """
    clean = redact or Redactor()
    before = sys.stdout, sys.stderr
    out, err = (RedactedStream(stream, clean) for stream in before)
    sys.stdout, sys.stderr = out, err
    try:
        yield
    except BaseException:
        sys.excepthook = _hook(clean)  # called after this context has ended, if at all
        raise
    finally:
        sys.stdout, sys.stderr = before
        out.flush()
        err.flush()


def _hook(redact: Redactor) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    def show(kind: type[BaseException], fault: BaseException, at: TracebackType | None) -> None:
        print(redact("".join(traceback.format_exception(kind, fault, at))), end="", file=sys.stderr)

    return show
