"""Targets: the modules whose faults must be noticed, the tests that must notice them, and the bars."""

from __future__ import annotations

from dataclasses import dataclass

BARS = {"verify": 95.0, "rules": 90.0, "rewards": 85.0, "canonicalisation": 85.0}
"""Group to the least share of its faults that must be noticed, in percent."""


@dataclass(frozen=True)
class Target:
    """One module.

    Attributes:
        group: The group it is counted in.
        module: Its name below the package.
        quick: Arguments of pytest: tests made for this, asked about every fault.
        slow: Arguments of pytest: further tests, asked about what is left.
        scopes: Only faults in these functions, classes and (as "") the top of the module; all if empty.
    """

    group: str
    module: str
    quick: tuple[str, ...]
    slow: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The module's full name."""
        return f"crm_gym.{self.module}"

    @property
    def path(self) -> str:
        """The file, from the root of the checkout."""
        return self.name.replace(".", "/") + ".py"

    def takes(self, scope: str) -> bool:
        """Whether faults in that scope are this target's."""
        return not self.scopes or scope.partition(".")[0] in self.scopes


_COMPARING = (
    *("Answer", "label", "_names", "_number", "_same", "_listed", "_covers", "_accepts_record", "_accepts_records"),
    *("_accepts_values", "_accepts_mapping", "_accepts_value"),
)

TARGETS = (
    Target("verify", "verify", ("tests/test_kill_verify.py",), ("tests/test_verify.py",)),
    Target("verify", "tasks.goal", ("tests/test_kill_verify.py",), ("tests/test_verify.py",)),
    Target("rules", "rules", ("tests/test_kill_rules.py",), ("tests/test_tools.py",)),
    Target("rewards", "rewards", ("tests/test_kill_rewards.py",), ("tests/test_env.py", "-k", "reward or progress")),
    Target(
        "canonicalisation",
        "tasks.answer",
        ("tests/test_kill_answers.py",),
        ("tests/test_verify.py",),
        scopes=_COMPARING,
    ),
    Target("canonicalisation", "atoms", ("tests/test_kill_atoms.py",), ("tests/test_atoms.py",)),
    Target("canonicalisation", "strict_json", ("tests/test_kill_json.py",)),
    Target("canonicalisation", "digest", ("tests/test_kill_journal.py",)),
    Target("canonicalisation", "journal", ("tests/test_kill_journal.py",)),
)
"""In the order in which they are run and shown."""
