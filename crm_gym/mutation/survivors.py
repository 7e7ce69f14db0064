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
        "if goal.plain:",
        "condition: goal.plain -> False",
        "The short cut is not taken, or the long way is: slower, with the same outcome.",
    ),
    Survivor(
        "verify",
        "verify",
        "if len(net) == 1 == len(changes):  # the most frequent question, answered without a further call",
        "condition: len(net) == 1 == len(changes) -> False",
        "The short cut is not taken, or the long way is: slower, with the same outcome.",
    ),
    Survivor(
        "verify",
        "verify",
        "if len(net) == 1 == len(changes):  # the most frequent question, answered without a further call",
        "constant: 1 -> 0",
        "The short cut is not taken, or the long way is: slower, with the same outcome.",
    ),
    Survivor(
        "verify",
        "verify",
        "unmet = 1",
        "constant: 1 -> 0",
        "The short cut is not taken, or the long way is: slower, with the same outcome.",
    ),
    Survivor(
        "verify",
        "verify",
        "if len(net) == 1 == len(changes):  # the most frequent question, answered without a further call",
        "constant: 1 -> 2",
        "The short cut is not taken, or the long way is: slower, with the same outcome.",
    ),
    Survivor(
        "verify",
        "verify",
        "unmet = 1",
        "constant: 1 -> 2",
        "The short cut is not taken, or the long way is: slower, with the same outcome.",
    ),
    Survivor(
        "verify",
        "verify",
        "if changes[0].met_by(change):",
        "condition: changes[0].met_by(change) -> False",
        "The short cut is not taken, or the long way is: slower, with the same outcome.",
    ),
    Survivor(
        "verify",
        "verify",
        "if changes[0].met_by(change):",
        "constant: 0 -> -1",
        "There is one expected change there: the first is the last.",
    ),
    Survivor(
        "verify",
        "verify",
        "return _changed(goal, net, 0)",
        "constant: 0 -> -1",
        "There is one expected change there: the first is the last.",
    ),
    Survivor(
        "verify",
        "verify",
        "unmet = 0",
        "constant: 0 -> -1",
        "There is one expected change there: the first is the last.",
    ),
    Survivor(
        "verify",
        "_changed",
        "if not net:",
        "condition: not net -> False",
        "Without net changes the long way comes to the same numbers, unless a report is due: that is tested.",
    ),
    Survivor(
        "verify",
        "_matched",
        "if any(one.links for one in expected) and len(changes) == len(expected):",
        "condition: any((one.links for one in expected)) and len(changes) == len(expected) -> True",
        "Every way is tried where the first that fits would do as well: slower; nothing that falls short becomes a success.",
    ),
    Survivor(
        "verify",
        "_matched",
        "if any(one.links for one in expected) and len(changes) == len(expected):",
        "and/or: any((one.links for one in expected)) and len(changes) == len(expected) -> any((one.links for one in expected)) or len(changes) == len(expected)",
        "Every way is tried where the first that fits would do as well: slower; nothing that falls short becomes a success.",
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
        "_assigned",
        "known = new if one.number is None else {**new, one.number: changes[at].id}",
        "condition: one.number is None -> False",
        "A record without a number is noted under None, which no link asks for.",
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
        "_pick: Callable[[Row], Any] | None = field(init=False, repr=False, compare=False)",
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
        "Expected.__post_init__",
        "together = bool(fixed) and len(fixed) == fixed[-1] - fixed[0] + 1",
        "arithmetic: fixed[-1] - fixed[0] -> fixed[-1] + fixed[0]",
        "The places are picked one by one instead of in one slice: slower, the same values.",
    ),
    Survivor(
        "tasks.goal",
        "Expected.__post_init__",
        "places = [slice(fixed[0], fixed[-1] + 1)] if together else fixed",
        "condition: together -> False",
        "The places are picked one by one instead of in one slice: slower, the same values.",
    ),
    Survivor(
        "tasks.goal",
        "Expected.__post_init__",
        "together = bool(fixed) and len(fixed) == fixed[-1] - fixed[0] + 1",
        "constant: 1 -> 2",
        "The places are picked one by one instead of in one slice: slower, the same values.",
    ),
    Survivor(
        "tasks.goal",
        "Expected.__post_init__",
        "places = [slice(fixed[0], fixed[-1] + 1)] if together else fixed",
        "constant: 1 -> 2",
        "The places are picked one by one instead of in one slice: slower, the same values.",
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
