"""Networks that read the form door: one that points at candidates, and a plain one beside it. Both know a `Door` only.

Both give, for a batch of observations, one logit for each action, and one value. Only lines that hold something are
worked on: they are gathered from the whole batch, and their scores put back where they came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from crm_agents.learning.door import Door, Sort

NEVER = -1e9
"""The logit of an action that is masked out."""

Observation = Mapping[str, Tensor]


class NetConfig(BaseModel):
    """What a network is built from, beside its door.

    Attributes:
        kind: "pointer" or "mlp".
        width: Size of embeddings and keys.
        hidden: Size of hidden layers.
        word_dropout: Share of the words that are blotted out while learning, so that no single wording is leant on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kind: Literal["pointer", "mlp"] = "pointer"
    width: int = Field(64, ge=8, le=1024)
    hidden: int = Field(128, ge=8, le=4096)
    word_dropout: float = Field(0.3, ge=0, lt=1)


SMALL = 4
"""Categories of so many members or fewer are laid out as ones and zeros; all others have an embedding."""


class Lines(nn.Module):
    """Lines of numbers to vectors: every column in its own way, all of a line added up.

    Args:
        columns: What the numbers mean.
        width: Size of the vectors.
        word_dropout: Share of the words that are blotted out while learning.
    """

    def __init__(self, columns: tuple[Sort, ...], width: int, word_dropout: float = 0.0) -> None:
        super().__init__()
        self.word_dropout = word_dropout
        named = [place for place, one in enumerate(columns) if one.kind in ("word", "category") and one.size > SMALL]
        small = [place for place, one in enumerate(columns) if one.kind == "category" and one.size <= SMALL]
        numbers = [place for place, one in enumerate(columns) if one.kind in ("number", "position")]
        sizes = [columns[place].size for place in named]
        self.table = nn.EmbeddingBag(max(sum(sizes), 1), width, mode="sum")
        nn.init.normal_(self.table.weight, std=0.2)
        self.dense = nn.Linear(2 * len(numbers) + (SMALL - 1) * len(small), width)
        places = {"named": named, "small": small, "numbers": numbers}
        for name, found in places.items():
            self.register_buffer(f"at_{name}", torch.tensor(found, dtype=torch.long), persistent=False)
        starts = np.cumsum([0, *sizes])[:-1]
        self.register_buffer("starts", torch.tensor(starts, dtype=torch.int32), persistent=False)
        words = [columns[place].kind == "word" for place in named]
        self.register_buffer("is_word", torch.tensor(words, dtype=torch.bool), persistent=False)
        scales = [max(columns[place].size, 1) for place in numbers]
        self.register_buffer("scales", torch.tensor(scales, dtype=torch.float32), persistent=False)
        self.register_buffer("members", torch.arange(1, SMALL), persistent=False)
        self.at_named: Tensor
        self.at_small: Tensor
        self.at_numbers: Tensor
        self.starts: Tensor
        self.is_word: Tensor
        self.scales: Tensor
        self.members: Tensor

    def forward(self, lines: Tensor) -> Tensor:
        """Vectors of lines; both have a row for each line."""
        numbers = lines[:, self.at_numbers].float()
        small = (lines[:, self.at_small].unsqueeze(-1) == self.members).flatten(1).float()
        plain = torch.cat((numbers / self.scales, numbers.clamp(min=0).log1p() / 3, small), 1)
        made: Tensor = self.dense(plain)
        if not len(self.starts):
            return made
        named = lines[:, self.at_named].int()
        if self.training and self.word_dropout:
            blotted = torch.rand(named.shape) < self.word_dropout
            named = named.masked_fill(blotted & self.is_word, 0)
        made = made + self.table(named + self.starts)
        return made


class Request(nn.Module):
    """The words of the request, and the pairs they make, to one vector."""

    def __init__(self, door: Door, width: int, word_dropout: float) -> None:
        super().__init__()
        self.word_dropout = word_dropout
        self.words = nn.EmbeddingBag(door.words, width, mode="sum", padding_idx=0)
        self.bigrams = nn.EmbeddingBag(door.bigrams, width, mode="sum", padding_idx=0)
        for table in (self.words, self.bigrams):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, request: Tensor) -> Tensor:
        """A vector of twice the width for each request."""
        there = request[..., 0] != 0
        length = int(there.any(0).nonzero().max()) + 1 if bool(there.any()) else 1
        many = there.sum(1, keepdim=True).clamp(min=1).float().sqrt()
        words, pairs = request[:, :length, 0].int(), request[:, :length, 1].int()
        if self.training and self.word_dropout:
            blotted = torch.rand(words.shape) < self.word_dropout
            words = words.masked_fill(blotted, 0)
            pairs = pairs.masked_fill(blotted | blotted.roll(-1, 1), 0)
        return torch.cat((self.words(words) / many, self.bigrams(pairs) / many), 1)


class Candidates(nn.Module):
    """One view of candidates: vectors of its lines in the light of the state, what they come to, and their scores."""

    def __init__(self, columns: tuple[Sort, ...], config: NetConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.hidden
        self.lines = Lines(columns, width, config.word_dropout)
        self.light = nn.Linear(hidden, width)
        self.inner = nn.Linear(width, width)
        self.gate = nn.Linear(width, 1)
        self.key, self.asked = nn.Linear(width, width), nn.Linear(hidden, width)
        self.score = nn.Linear(width, 1)
        self.query = nn.Linear(hidden, width)
        self.scale = width**-0.5

    def read(self, view: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors of the lines that hold something, and their environments and places."""
        env, place = (view[:, :, 0] != 0).nonzero(as_tuple=True)
        lines = self.lines(view[env, place])
        lit = torch.relu(lines + self.light(state)[env])
        return torch.relu(self.inner(lit)) + lines, env, place

    def pool(self, read: tuple[Tensor, Tensor, Tensor], count: int) -> Tensor:
        """What the lines of each environment come to: the sum of those that a gate lets through."""
        vectors, env, _ = read
        gated = vectors * torch.sigmoid(self.gate(vectors))
        summed: Tensor = vectors.new_zeros(count, vectors.shape[1]).index_add(0, env, gated)
        return 0.3 * summed

    def scores(self, state: Tensor, read: tuple[Tensor, Tensor, Tensor], lines: int) -> Tensor:
        """A logit for each line: attention between state and line, and what a small network says to both."""
        vectors, env, place = read
        mixed = torch.relu(self.key(vectors) + self.asked(state)[env])
        point = (vectors * self.query(state)[env]).sum(1) * self.scale
        logits = self.score(mixed).squeeze(1) + point
        put: Tensor = logits.new_zeros(len(state), lines).index_put((env, place), logits)
        return put


class PointerNet(nn.Module):
    """A logit for each fixed action from the state, for each candidate from state and candidate."""

    def __init__(self, door: Door, config: NetConfig) -> None:
        super().__init__()
        self.door, self.config = door, config
        width, hidden = config.width, config.hidden
        self.request = Request(door, width, config.word_dropout)
        self.form = Lines(door.form_columns, 2 * width)
        self.first = nn.Sequential(nn.Linear(4 * width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.values = Candidates(door.value_columns, config)
        self.rows = Candidates(door.row_columns, config)
        self.state = nn.Sequential(
            nn.Linear(hidden + 2 * width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()
        )
        self.fixed = nn.Linear(hidden, door.fixed)
        self.value = nn.Sequential(nn.Linear(hidden, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Logits, one for each action, and values."""
        first = self.first(torch.cat((self.request(observation["request"]), self.form(observation["form"])), 1))
        values, rows = self.values.read(observation["said"], first), self.rows.read(observation["rows"], first)
        pools = self.values.pool(values, len(first)), self.rows.pool(rows, len(first))
        state = self.state(torch.cat((first, *pools), 1)) + first
        logits = torch.cat(
            (
                self.fixed(state),
                self.values.scores(state, values, self.door.values),
                self.rows.scores(state, rows, self.door.rows),
            ),
            1,
        )
        return logits, self.value(state).squeeze(1)


class MlpNet(nn.Module):
    """A plain network: everything embedded, laid out flat, two hidden layers, a head over all actions."""

    LINE = 16  # numbers that are left of a line

    def __init__(self, door: Door, config: NetConfig) -> None:
        super().__init__()
        self.door, self.config = door, config
        width, hidden = config.width, config.hidden
        self.request = Request(door, width, config.word_dropout)
        self.form = Lines(door.form_columns, 2 * width)
        self.value_lines = Lines(door.value_columns, self.LINE, config.word_dropout)
        self.row_lines = Lines(door.row_columns, self.LINE)
        flat = 4 * width + self.LINE * (door.values + door.rows)
        self.state = nn.Sequential(nn.Linear(flat, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, door.actions)
        self.value = nn.Linear(hidden, 1)

    def forward(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Logits, one for each action, and values."""
        parts = (
            self.request(observation["request"]),
            torch.relu(self.form(observation["form"])),
            self._flat(observation["said"], self.value_lines),
            self._flat(observation["rows"], self.row_lines),
        )
        state = self.state(torch.cat(parts, 1))
        return self.head(state), self.value(state).squeeze(1)

    def _flat(self, view: Tensor, lines: nn.Module) -> Tensor:
        env, place = (view[:, :, 0] != 0).nonzero(as_tuple=True)
        made = torch.relu(lines(view[env, place]))
        return made.new_zeros(len(view), view.shape[1], self.LINE).index_put((env, place), made).flatten(1)


Net = PointerNet | MlpNet


def build(door: Door, config: NetConfig) -> Net:
    """The network of a config, freshly initialised from torch's generator."""
    return PointerNet(door, config) if config.kind == "pointer" else MlpNet(door, config)


def keep_words(net: nn.Module) -> None:
    """Blot out no more words: what acts while it learns must see what it saw when it acted."""
    for part in net.modules():
        if isinstance(part, Lines | Request):
            part.word_dropout = 0.0


def tensors(observation: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Tensor]:
    """Arrays as tensors that share their memory."""
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in observation.items()}


def masked(logits: Tensor, mask: Tensor | None) -> Tensor:
    """Logits with `NEVER` where the mask is false."""
    return logits if mask is None else logits.masked_fill(~mask, NEVER)
