"""What can be wrong with a value, by the kind of its field: the code it earns, and how it is asked for all the same.

Every sentence insists on the value as it stands, so that passing it on is the only way to do as one is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from crm_gym.atoms import NAME_CHARS, number_json
from crm_gym.extract import MONTHS
from crm_gym.schema import TABLES, Column
from crm_gym.tasks import notation, vocab
from crm_gym.tasks.families import declined_said as said
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.scene import Scene
from crm_gym.tasks.splits import Pool
from crm_gym.tools import ToolCall

OMITTED = object()
"""The value of an argument that is left out."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a call.

    Attributes:
        code: The code that it earns.
        field: The argument at fault.
        value: What the call carries there; `OMITTED` for nothing.
        words: The sentence that asks for it, without its full stop.
        lookups: Reads that show what the sentence does not say.
    """

    code: str
    field: str
    value: Any
    words: str
    lookups: tuple[ToolCall, ...] = ()


Maker = Callable[[Scene, Mapping[str, Any]], Fault]
"""Makes a fault in a scene, for a call whose other values are given."""


def phrased(scene: Scene, forms: tuple[str, ...], **slots: Any) -> str:
    """A sentence or a part of one, in one of these forms."""
    return fragment(scene.rng, forms, slots, held_out=scene.held_out)


def what(scene: Scene, field: str) -> str:
    """What people call a field."""
    return phrased(scene, said.WORDS[field])


def shown(value: str) -> str:
    """A text between quotation marks, an empty one too."""
    return notation.quoted(value) if value.strip() else f'"{value}"'


def _fault(scene: Scene, code: str, field: str, value: Any, forms: tuple[str, ...], written: str) -> Fault:
    return Fault(code, field, value, phrased(scene, forms, what=what(scene, field), value=written))


# Wrong values, by kind of field. Each maker of one takes the column and gives code, value, how it is written, forms


Wrong = tuple[str, Any, str, str]
"""Code, value, the value as the request writes it, and the kind of sentence (a key of `declined_said.SET`)."""


def _enum(scene: Scene, column: Column) -> Wrong:
    members = column.atom.schema["enum"]
    member = scene.one(members)
    if scene.chance(0.12):
        number = scene.rng.randint(1, 99)
        return "wrong_type", number, str(number), "number_as"
    ways = [member.lower(), member.upper(), member.swapcase(), f" {member}", f"{member} ", f" {member} ", f"  {member}"]
    ways += [_typo(scene, member), _typo(scene, member), scene.one(said.STRANGERS[members[-1]])]
    if "-" in member:
        ways += [member.replace("-", mark) for mark in (" ", "_", "", " - ", "/")]
    value = scene.fresh(lambda: scene.one(ways), lambda word: word in members)
    return "enum_value", value, shown(value), "text"


def _typo(scene: Scene, word: str) -> str:
    """The word with an inner letter twice, left out, or swapped with the next one."""
    at = scene.rng.randrange(1, len(word) - 2)
    inner = scene.one((word[at] * 2 + word[at + 1], word[at + 1], word[at + 1] + word[at]))
    return word[:at] + str(inner) + word[at + 2 :]


def _money(scene: Scene, column: Column) -> Wrong:
    amount = vocab.amount(scene.rng, scene.pool)
    code = scene.one(("amount_not_positive", "amount_above_ceiling", "amount_precision", "wrong_type"))
    if code == "wrong_type":
        return _text_for_money(scene, amount)
    if code == "amount_not_positive":
        amount = Decimal(0) if scene.chance(0.3) else -amount
    elif code == "amount_above_ceiling":
        amount = 10_000_000 + amount * scene.one((1, 10, 100))
    else:
        amount += Decimal(scene.rng.randrange(1, 1000, 2)) / scene.one((1000, 10_000)) + Decimal("0.0002")
    return code, number_json(amount), notation.money(scene.rng, amount), "number"


def _text_for_money(scene: Scene, amount: Decimal) -> Wrong:
    if scene.chance(0.15):
        return "wrong_type", True, "true", "flag"
    forms = ("{a:,} EUR", "{a} USD", "${a:,}", "about {a}", "{a} euros net", "{a:,} plus VAT", "EUR {a:,}")
    value = str(scene.one(forms)).format(a=amount.quantize(Decimal(1)))
    return "wrong_type", value, shown(value), "text_as"


def _percent(scene: Scene, column: Column) -> Wrong:
    code = scene.one(("probability_range", "probability_not_whole", "wrong_type"))
    percent = vocab.percent(scene.rng, scene.pool)
    if code == "probability_range":
        value: Any = scene.one((0, 100, 100 + percent, 100 + 2 * percent, -percent))
    elif code == "probability_not_whole":
        value = percent + scene.one((0.5, 0.25, 0.75, 0.1, 0.4))
    elif scene.chance(0.2):
        return code, True, "true", "flag"
    else:
        value = scene.one((f"{percent}%", f"{percent} percent", f"{percent} in a hundred", f"roughly {percent}"))
        return code, value, shown(value), "text_as"
    return code, value, f"{value}{scene.one(('%', ' %', ' percent', ' per cent'))}", "number"


def _date(scene: Scene, column: Column) -> Wrong:
    day = date.fromisoformat(scene.day(5, 500))
    if scene.chance(0.12):
        number = int(day.isoformat().replace("-", ""))
        return "wrong_type", number, str(number), "number_as"
    value = scene.one((_notation, _impossible, _timed))(scene, day)
    return "date_format", value, shown(value), "text"


def _notation(scene: Scene, day: date) -> str:
    month = MONTHS[day.month - 1]
    numbers = (
        f"{day:%d/%m/}{day.year}",
        f"{day:%d.%m.}{day.year}",
        f"{day.year}/{day:%m/%d}",
        f"{day:%m/%d/}{day.year}",
    )
    worded = (f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}", f"end of {month} {day.year}")
    return str(scene.one((*numbers, *worded, f"{day.day}-{month[:3]}-{day.year}", f"{day.year}-{day:%m}")))


def _impossible(scene: Scene, day: date) -> str:
    short = (f"{day.year}-{month:02}-31" for month in (4, 6, 9, 11))
    ways = (*short, f"{day.year}-02-30", f"{day.year}-02-31", f"{day.year}-13-{day:%d}", f"{day.year}-00-{day:%d}")
    return str(scene.one((*ways, f"{day.year}-{day:%m}-32", f"{day.year}-{day:%m}-00")))


def _timed(scene: Scene, day: date) -> str:
    hour = scene.rng.randint(8, 17)
    return f"{day.isoformat()}{scene.one(('T{:02}:00:00', ' {:02}:30', 'T{:02}:15:00Z', ' {:02}:00')).format(hour)}"


def _stamp(scene: Scene, column: Column) -> Wrong:
    day = date.fromisoformat(scene.day(-400, -5))
    value = scene.one((day.isoformat(), f"{day.isoformat()} 10:00", _notation(scene, day)))
    return "date_format", value, shown(value), "text"


def _email(scene: Scene, column: Column) -> Wrong:
    address = vocab.person_email(scene.rng, scene.pool)
    name, _, host = address.partition("@")
    bare = host.removesuffix(".example")
    ways = (f"{name}{host}", f"{name}@@{host}", f"{name}@{bare}", f"{name} at {host}", f"{name}@{bare}..example")
    value = scene.one((*ways, f"@{host}", f"{name}@", f"{name},{bare}@{host}", f"<{address}>", f"{name} @{host}"))
    return "email_format", value, shown(value), "text"


def _url(scene: Scene, column: Column) -> Wrong:
    path = vocab.url(scene.rng, scene.pool).removeprefix("https://")
    host, _, rest = path.partition("/")
    ways = (f"ftp://{path}", path, f"www.{path}", f"https:/{path}", f"htp://{path}", f"file:///{rest}")
    value = scene.one((*ways, f"https//{path}", f"https://{host}/{rest.replace('/', ' ')}", f"sftp://{path}"))
    return "url_format", value, shown(value), "text"


def _file_name(scene: Scene, column: Column) -> Wrong:
    name = vocab.file_name(scene.rng, scene.pool)
    stem, _, ending = name.rpartition(".")
    code = scene.one(("file_name_characters", "file_extension_missing", "file_extension_unsupported", "blank"))
    if code == "file_name_characters":
        odd = (f"{stem} final.{ending}", f"{stem}({scene.rng.randint(1, 9)}).{ending}", f"{stem}&co.{ending}")
        value = scene.one((*odd, f"_{name}", f"-{name}", f"{stem}#2.{ending}", f"drafts/{name}", f"{stem}é.{ending}"))
    elif code == "file_extension_missing":
        value = scene.one((stem, f"{stem}.", f"{stem}_{ending}", f"{stem}-final"))
    elif code == "file_extension_unsupported":
        value = f"{stem}.{scene.one(('zip', 'exe', 'png', 'jpg', 'xls', 'odt', 'html', 'mp4', 'msg', 'bak'))}"
    else:
        value = scene.one(("", " ", "   "))
    return code, value, shown(value), "text"


def _text(scene: Scene, column: Column) -> Wrong:
    """A number for a text, or no text for one that is required, or one too long or over two lines."""
    short = column.atom.limit == NAME_CHARS
    long = ["text_too_long"] * (column.name in _MAY_RUN_ON)
    code = scene.one(["wrong_type"] + ["blank"] * column.required * 2 + ["text_invalid"] * short + long)
    if code == "wrong_type":
        return _number_for_text(scene, column)
    if code == "blank":
        value = scene.one(("", " ", "  ", "    "))
        return code, value, shown(value), "text"
    if code == "text_invalid":
        make = vocab.company_name if column.name in ("name", "industry") else _full_name
        value = f"{make(scene.rng, scene.pool)}\n{make(scene.rng, scene.pool)}"
        return code, value, shown(value), "two_lines"
    value = vocab.note(scene.rng, scene.pool)
    while len(value) <= column.atom.limit:
        value += "; " + vocab.note(scene.rng, scene.pool)
    return code, value, shown(value), "long"


def _full_name(rng: Random, pool: Pool) -> str:
    return vocab.person(rng, pool).full


def _number_for_text(scene: Scene, column: Column) -> Wrong:
    number = scene.rng.randint(100, 99_999)
    return "wrong_type", number, str(number), "number_as"


_WRONG: dict[str, Callable[[Scene, Column], Wrong]] = {
    "enum": _enum, "money": _money, "percent": _percent, "date": _date, "datetime": _stamp, "email": _email,
    "url": _url, "file_name": _file_name, "text": _text,
}  # fmt: skip
_LOOSE = ("text", "email", "url", "file_name", "names")
"""Kinds that a search takes as any part of a text."""
_MAY_RUN_ON = ("name", "industry", "title", "version")


def wrong(table: str, field: str) -> Maker:
    """A value that no record may have in that field."""
    column = TABLES[table].column(field)
    make = _WRONG[column.atom.kind.partition(":")[0]]

    def maker(scene: Scene, given: Mapping[str, Any]) -> Fault:
        code, value, written, kind = make(scene, column)
        return _fault(scene, code, field, value, said.SET[kind], written)

    return maker


def unsearchable(table: str, field: str) -> Maker:
    """A value that no search takes for that field."""
    column = TABLES[table].column(field)
    make = _number_for_text if column.atom.kind in _LOOSE else _WRONG[column.atom.kind.partition(":")[0]]

    def maker(scene: Scene, given: Mapping[str, Any]) -> Fault:
        code, value, written, kind = make(scene, column)
        return _fault(scene, code, field, value, said.FILTER[kind], written)

    return maker


def all_wrong(table: str, *fields: str) -> tuple[Maker, ...]:
    """`wrong` for each of the fields."""
    return tuple(wrong(table, field) for field in fields)


def all_unsearchable(table: str, *fields: str) -> tuple[Maker, ...]:
    """`unsearchable` for each of the fields."""
    return tuple(unsearchable(table, field) for field in fields)
