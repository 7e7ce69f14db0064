"""A tiny world with the form door's interface: the request names a tool and says which value it wants.

A request has three words: a tool's, a colour, and noise. Each value line has a colour. First the tool, then the value
of the asked colour, which is marked as said, then submit. Anything else, and the episode is lost.
"""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np

TOOLS, COLOURS, LENGTH, VALUES, ROWS = 3, 6, 8, 5, 2
SUBMIT, FIRST = TOOLS, TOOLS + 1
ACTIONS = FIRST + VALUES + ROWS
WORDS = 1 + TOOLS + COLOURS + 4


def _column(name: str, kind: str, size: int) -> dict[str, Any]:
    return {"name": name, "kind": kind, "size": size}


class ToyOracle:
    """Knows the answer."""

    expressible = True

    def __init__(self, env: ToyDoor) -> None:
        self.env = env

    def predict(self, observation: Any, state: Any, episode_start: Any = None, deterministic: bool = False) -> Any:
        tool, value = self.env.right
        return (tool, FIRST + value, SUBMIT)[self.env.stage], None


class ToyDoor(gym.Env[Any, Any]):
    """See above."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": []}
    door: ClassVar[dict[str, Any]] = {
        "actions": ACTIONS, "request": LENGTH, "words": WORDS, "bigrams": 4, "values": VALUES, "rows": ROWS,
        "value_columns": (
            _column("kind", "category", 3), _column("colour", "word", WORDS), _column("place", "position", LENGTH + 1),
            _column("said", "category", 2),
        ),
        "row_columns": (_column("table", "category", 2), _column("count", "number", 9)),
        "form_columns": (_column("stage", "category", 4), _column("steps", "number", 9)),
    }  # fmt: skip

    def __init__(self, bonus: float = 0.0) -> None:
        self.bonus = bonus
        spaces = {"request": (LENGTH, 2), "said": (VALUES, 4), "rows": (ROWS, 2), "form": (2,)}
        types = {name: np.int32 if name == "form" else np.int16 for name in spaces}
        self.observation_space = gym.spaces.Dict(
            {name: gym.spaces.Box(0, 100, shape, types[name]) for name, shape in spaces.items()}
        )
        self.action_space = gym.spaces.Discrete(ACTIONS)
        self.oracle = ToyOracle(self)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        tool, colours = int(self.np_random.integers(TOOLS)), self.np_random.permutation(COLOURS)[:4]
        value = int(self.np_random.integers(4))
        self.right, self.colours = (tool, value), colours
        self.stage, self.steps, self.lost = 0, 0, False
        words = [1 + tool, 1 + TOOLS + int(colours[value]), 1 + TOOLS + COLOURS + int(self.np_random.integers(4))]
        self.request = np.zeros((LENGTH, 2), np.int16)
        self.request[:3, 0] = words
        return self._seen(), self._info(False)

    def step(self, action: Any) -> Any:
        action = int(action)
        assert self.action_masks()[action]
        right = (self.right[0], FIRST + self.right[1], SUBMIT)[self.stage]
        self.lost |= action != right
        self.stage, self.steps = self.stage + 1, self.steps + 1
        over = self.stage == 3
        won = over and not self.lost
        paid = float(won) + self.bonus * (action == right)
        self.stage = min(self.stage, 2) if over else self.stage
        return self._seen(), paid, over, False, self._info(won)

    def action_masks(self) -> Any:
        mask = np.zeros(ACTIONS, bool)
        if self.stage == 0:
            mask[:TOOLS] = True
        elif self.stage == 1:
            mask[FIRST : FIRST + 4] = True
        else:
            mask[SUBMIT] = True
        return mask

    def _seen(self) -> dict[str, Any]:
        values = np.zeros((VALUES, 4), np.int16)
        for line, colour in enumerate(self.colours):
            values[line] = 1 + line % 2, 1 + TOOLS + colour, line + 1, line == self.right[1]
        rows = np.array([[1, self.steps], [0, 0]], np.int16)
        form = np.array([self.stage, self.steps], np.int32)
        return {"request": self.request.copy(), "said": values, "rows": rows, "form": form}

    def _info(self, won: bool) -> dict[str, Any]:
        family = f"tool{self.right[0]}"
        mask = self.action_masks().astype(np.int8)
        return {"is_success": won, "action_mask": mask, "family": family, "task_id": f"{family}-{self.right[1]}"}


gym.register("ToyDoor-v0", entry_point="toy_door:ToyDoor", max_episode_steps=10)
