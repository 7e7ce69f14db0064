"""Survivors: the mutants no test can or need notice, each with the reason.

An entry is found again by its module, function, line and change, wherever the line stands.

Long: a list.
"""

# ruff: noqa: E501 - lines of code are quoted whole

from __future__ import annotations

from typing import NamedTuple


class Survivor(NamedTuple):
    """A mutant that may live.

    Attributes:
        module: The module, below the package.
        scope: The function or class, as in `operators.Mutation`.
        text: The line.
        change: The operator, what stands there and what would.
        reason: Why no test notices.
    """

    module: str
    scope: str
    text: str
    change: str
    reason: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names the mutant."""
        return self.module, self.scope, self.text, self.change


SURVIVORS: tuple[Survivor, ...] = (
    Survivor(
        "verify",
        "verify",
        "if changes[0].met_by(change):",
        "constant: 0 -> -1",
        "There is one expected change there: the first is the last.",
    ),
    Survivor(
        "verify",
        "_matched",
        "if one.number is not None:",
        "condition: one.number is not None -> True",
        "A record without a number is noted under None, which no link asks for.",
    ),
    Survivor(
        "verify",
        "_Search.found",
        "known = new if one.number is None else {**new, one.number: self.changes[at].id}",
        "condition: one.number is None -> False",
        "A record without a number is noted under None, which no link asks for.",
    ),
    Survivor(
        "verify",
        "",
        "PATIENCE = 2_000",
        "constant: 2000 -> 2001",
        "A bound of the work: any number near it will do.",
    ),
    Survivor(
        "verify",
        "",
        "PATIENCE = 2_000",
        "constant: 2000 -> 1999",
        "A bound of the work: any number near it will do.",
    ),
    Survivor(
        "verify",
        "_close_to_parents",
        "at = next((at for at in ready if expected[at].links), ready[0])",
        "constant: 0 -> -1",
        "Of those that are linked to nothing any may come first; only the way there is another.",
    ),
    Survivor(
        "tasks.goal",
        "Expected",
        "links: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)",
        "constant: False -> True",
        "What is compared besides follows from the fields that are compared already.",
    ),
    Survivor(
        "tasks.goal",
        "Expected",
        "_wanted: Any = field(init=False, repr=False, compare=False)",
        "constant: False -> True",
        "What is compared besides follows from the fields that are compared already.",
    ),
    Survivor(
        "tasks.goal",
        "ChangeGoal",
        "plain: bool = field(init=False, repr=False, compare=False)",
        "constant: False -> True",
        "What is compared besides follows from the fields that are compared already.",
    ),
    Survivor(
        "tasks.goal",
        "Expected.__post_init__",
        "fixed = [i for i in range(len(self.row)) if i not in open_] if self.row and open_ else []",
        "and/or: self.row and open_ -> self.row or open_",
        "All places in one slice are the row itself: the same comparison.",
    ),
    Survivor(
        "tasks.goal",
        "_latest",
        "return max((number for _, number in change.links), default=-1)",
        "constant: 1 -> 2",
        "Any number below 0 sorts before every number of a new record.",
    ),
    Survivor(
        "tasks.goal",
        "equal_values",
        "return len(a) == len(b) and all(equal_values(x, y) for x, y in zip(a, b, strict=True))",
        "constant: True -> False",
        "The lengths have been compared just before.",
    ),
    Survivor(
        "tasks.goal",
        "equal_values",
        "if isinstance(a, int | float | Decimal) and isinstance(b, int | float | Decimal):",
        "condition: isinstance(a, int | float | Decimal) and isinstance(b, int | float | Decimal) -> True",
        "JSON values of different kinds that get there are never equal to Python either.",
    ),
    Survivor(
        "tasks.goal",
        "equal_values",
        "if isinstance(a, int | float | Decimal) and isinstance(b, int | float | Decimal):",
        "and/or: isinstance(a, int | float | Decimal) and isinstance(b, int | float | Decimal) -> isinstance(a, int | float | Decimal) or isinstance(b, int | float | Decimal)",
        "JSON values of different kinds that get there are never equal to Python either.",
    ),
    Survivor(
        "rewards",
        "config_of",
        "if reward is None:",
        "condition: reward is None -> False",
        "A config of no terms is equal to the default one, only not the same object.",
    ),
    Survivor(
        "rewards",
        "_hints",
        'wrong = {str(error["loc"][0]): error["msg"] for error in fault.errors()}',
        "constant: 0 -> -1",
        "Terms are not nested: the place of a fault has one part, first and last.",
    ),
    Survivor(
        "journal",
        "Journal.append",
        "if record in self.net:",
        "condition: record in self.net -> True",
        "For a record not in the net change, folding does what the short cut does.",
    ),
    Survivor(
        "journal",
        "Journal.made",
        "if record in self.net:",
        "condition: record in self.net -> True",
        "For a record not in the net change, folding does what the short cut does.",
    ),
    Survivor(
        "strict_json",
        "parse",
        "if made is not None:",
        "condition: made is not None -> False",
        "The long way gives what the short cut gives.",
    ),
    Survivor(
        "strict_json",
        "parse",
        'if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:',
        "comparison: text.count('{') + text.count('[') > MAX_DEPTH -> text.count('{') + text.count('[') >= MAX_DEPTH",
        "Only a quick bound: the depth itself is measured right after.",
    ),
    Survivor(
        "strict_json",
        "parse",
        'if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:',
        "constant: '{' -> ''",
        "Only a quick bound: the depth itself is measured right after.",
    ),
    Survivor(
        "strict_json",
        "parse",
        'if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:',
        "constant: '[' -> ''",
        "Only a quick bound: the depth itself is measured right after.",
    ),
    Survivor(
        "strict_json",
        "_whole",
        'if len(text) > MAX_DIGITS + 1 or len(text.lstrip("-")) > MAX_DIGITS:',
        "constant: 1 -> 2",
        "A text that long has too many digits also without its sign: the second test refuses it.",
    ),
    Survivor(
        "strict_json",
        "_bytes",
        'return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))',
        "condition: text.isascii() -> False",
        "An ASCII text has as many bytes as characters; they are only counted faster.",
    ),
    Survivor(
        "strict_json",
        "_spend",
        "budget[0] -= size",
        "constant: 0 -> -1",
        "The list has one element: the first is the last.",
    ),
    Survivor(
        "strict_json",
        "_spend",
        "if budget[0] < 0:",
        "constant: 0 -> -1",
        "The list has one element: the first is the last.",
    ),
    Survivor(
        "strict_json",
        "_encoder",
        'whole = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)',
        "constant: False -> True",
        "A search for circles, which values within the limits cannot hold, finds none.",
    ),
    Survivor(
        "strict_json",
        "_encoder",
        'chunks = make(None, whole.default, encode_basestring_ascii, None, ":", ",", False, False, False)',
        "constant: False -> True",
        "A search for circles, which values within the limits cannot hold, finds none.",
    ),
    Survivor(
        "strict_json",
        "_encoder",
        'make = getattr(json.encoder, "c_make_encoder", None)',
        "constant: 'c_make_encoder' -> ''",
        "The long way gives what the short cut gives.",
    ),
    Survivor(
        "strict_json",
        "_encoder",
        "if make is None:",
        "condition: make is None -> True",
        "The long way gives what the short cut gives.",
    ),
    Survivor(
        "strict_json",
        "_encoder",
        'return lambda value: "".join(chunks(value, 0))',
        "constant: '' -> '~'",
        "CPython's encoder gives all of the text in one piece: nothing is joined.",
    ),
    Survivor(
        "strict_json",
        "_encoder",
        'return lambda value: "".join(chunks(value, 0))',
        "constant: 0 -> 1",
        "The level is only for indentation, and there is none.",
    ),
    Survivor(
        "strict_json",
        "_encoder",
        'return lambda value: "".join(chunks(value, 0))',
        "constant: 0 -> -1",
        "The level is only for indentation, and there is none.",
    ),
    Survivor(
        "tasks.answer",
        "_names",
        "named = {name: ids[0] for name, ids in seen.items() if len(ids) == 1}",
        "constant: 0 -> -1",
        "The list has one element: the first is the last.",
    ),
    Survivor(
        "tasks.answer",
        "_accepts_record",
        "return len(items) == 1 and answer._record(items[0]) == answer.value",
        "constant: 0 -> -1",
        "The list has one element: the first is the last.",
    ),
    Survivor(
        "tasks.answer",
        "_number",
        "return number if number.is_finite() else None",
        "condition: number.is_finite() -> True",
        "The right answer is finite: an infinity or NaN is never equal to it.",
    ),
    Survivor(
        "atoms",
        "_str",
        "if type(value) is str:",
        "condition: type(value) is str -> False",
        "The long way gives what the short cut gives.",
    ),
    Survivor(
        "atoms",
        "text.check",
        "if type(value) is not str:",
        "condition: type(value) is not str -> True",
        "The long way gives what the short cut gives.",
    ),
    Survivor(
        "atoms",
        "text.check",
        "elif value.isprintable() and value and not value.isspace() and len(value) <= limit:",
        "condition: value.isprintable() and value and (not value.isspace()) and (len(value) <= limit) -> False",
        "The long way gives what the short cut gives.",
    ),
    Survivor(
        "atoms",
        "text.check",
        "elif value.isprintable() and value and not value.isspace() and len(value) <= limit:",
        "comparison: len(value) <= limit -> len(value) < limit",
        "The long way gives what the short cut gives.",
    ),
    Survivor(
        "atoms",
        "email.check",
        "if type(value) is str and len(value) <= EMAIL_CHARS and _EMAIL.fullmatch(value):",
        "condition: type(value) is str and len(value) <= EMAIL_CHARS and _EMAIL.fullmatch(value) -> False",
        "The long way gives what the short cut gives.",
    ),
    Survivor(
        "atoms",
        "email.check",
        "if type(value) is str and len(value) <= EMAIL_CHARS and _EMAIL.fullmatch(value):",
        "comparison: len(value) <= EMAIL_CHARS -> len(value) < EMAIL_CHARS",
        "The long way gives what the short cut gives.",
    ),
    Survivor(
        "atoms",
        "enum.check",
        "if type(value) is not str:",
        "condition: type(value) is not str -> True",
        "The long way gives what the short cut gives.",
    ),
    Survivor(
        "rules",
        "",
        "_REFS = {name: tuple(c for c in table.columns if c.ref is not None) for name, table in TABLES.items()}",
        "condition: c.ref is not None -> True",
        "Columns without a reference are passed over again where the table is used.",
    ),
    Survivor(
        "rules",
        "references_exist",
        "refs = [(column.name, column.ref) for column in _REFS[table] if column.ref is not None]",
        "condition: column.ref is not None -> True",
        "The columns come from the table of those with a reference.",
    ),
    Survivor(
        "rules",
        "_points_at",
        "if ref is None:",
        "condition: ref is None -> False",
        "The columns come from the table of those with a reference.",
    ),
    Survivor(
        "rules",
        "_points_at",
        "continue",
        "statement removed: continue -> pass",
        "The columns come from the table of those with a reference.",
    ),
)
