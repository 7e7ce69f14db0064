"""Survivors: the mutants no test can or need notice, each with the reason.

An entry is found again by its module, function, line and change, wherever the line stands.

Long: a list.
"""

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


SURVIVORS: tuple[Survivor, ...] = ()
