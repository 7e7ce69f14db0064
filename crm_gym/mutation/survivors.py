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
        "config_of",
        'names = [str(error["loc"][-1]) for error in fault.errors()] if isinstance(fault, ValidationError) else []',
        "constant: 1 -> 0",
        "Terms are not nested: the place of a fault has one part, first and last.",
    ),
    Survivor(
        "rewards",
        "Reward.pay",
        "if after is not before:",
        "condition: after is not before -> True",
        "A verdict does not differ from itself: the change worked out is 0, and the same follows.",
    ),
    Survivor(
        "rewards",
        "Reward.pay",
        "if change < 0 or (change and self._weight):  # only else the term of progress is the same for all",
        "comparison: change < 0 -> change <= 0",
        "Without a change the terms are worked out anew instead of remembered: slower, the same terms.",
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
