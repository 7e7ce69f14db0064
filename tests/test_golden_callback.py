"""The callback for stable-baselines3: what it plays, logs and saves, and that the training does not notice it."""

import csv
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra sb3 is not installed")
pytest.importorskip("sb3_contrib", reason="the extra sb3 is not installed")

from crm_agents.golden_callback import COLUMNS, GOLDEN, GoldenCaseCallback  # noqa: E402
from crm_agents.learning.config import EnvConfig, SuiteConfig  # noqa: E402
from crm_agents.learning.evaluate import Evaluator  # noqa: E402
from crm_agents.learning.vecenv import as_sb3_vecenv  # noqa: E402
from crm_agents.learning.vector import make_vector  # noqa: E402
from sb3_contrib import MaskablePPO  # noqa: E402
from stable_baselines3 import PPO  # noqa: E402
from stable_baselines3.common.logger import configure  # noqa: E402

from crm_gym import UsageError  # noqa: E402
from crm_gym.form.oracle import FormOracle  # noqa: E402

TINY = "CrmEnvForm-Tiny-v0"
SUITE = SuiteConfig(name="tiny", id=TINY, keywords={"max_episode_steps": 40})
TASKS = 6
SMALL: dict[str, Any] = {"n_steps": 16, "batch_size": 16, "n_epochs": 1, "device": "cpu", "seed": 3}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def model_of(algorithm: type, keywords: dict[str, Any] | None = None) -> Any:
    masks = algorithm is MaskablePPO
    envs = as_sb3_vecenv(make_vector(EnvConfig(id=TINY, count=2, keywords=keywords or {}), masks=masks))
    model = algorithm("MultiInputPolicy", envs, policy_kwargs={"net_arch": [8]}, **SMALL)
    model.set_logger(configure(None, []))
    return model


def learnt(model: Any, steps: int, callback: Any = None) -> Any:
    model.learn(steps, callback=callback)
    model.get_env().close()
    return model


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("algorithm", [MaskablePPO, PPO])
def test_it_plays_every_so_many_steps_and_writes_it_down(algorithm: type, tmp_path: Path) -> None:
    callback = GoldenCaseCallback(every=32, suite=SUITE, path=tmp_path / "deep" / "curve.csv", count=3)
    learnt(model_of(algorithm), 96, callback)
    lines = read(tmp_path / "deep" / "curve.csv")
    assert tuple(lines[0]) == COLUMNS
    assert [line["steps"] for line in lines if line["family"] == "all"] == ["32", "64", "96"]
    assert {line["episodes"] for line in lines} == {str(TASKS)}
    assert {line["family"] for line in lines} == {"all", "clone_opportunity"}
    assert {line["suite"] for line in lines} == {"tiny"}


@pytest.mark.parametrize("algorithm", [MaskablePPO, PPO])
def test_the_training_does_not_notice_it(algorithm: type) -> None:
    alone = learnt(model_of(algorithm), 64)
    watched = learnt(model_of(algorithm), 64, GoldenCaseCallback(every=10, suite=SUITE))
    for name, weights in alone.policy.state_dict().items():
        assert torch.equal(weights, watched.policy.state_dict()[name]), name


class Knows(GoldenCaseCallback):
    """Plays as the oracle does from its second evaluation on, and worse again from its third."""

    played = 0

    def evaluate(self) -> Any:
        self.played += 1
        return super().evaluate()

    def _policy(self, observation: Any, mask: Any) -> Any:
        if self.played != 2:
            return np.argmax(mask, axis=1)
        seated = self._evaluator.envs
        assert len(mask) == len(seated) == 1
        oracle = getattr(self, "oracle", None) or FormOracle(seated[0])
        self.oracle = oracle
        return np.array([oracle.predict({k: v[0] for k, v in observation.items()}, None)[0]])


def test_the_best_model_is_kept_and_success_is_recorded(tmp_path: Path) -> None:
    callback = Knows(every=32, suite=SUITE, path=tmp_path / "curve.csv", best=tmp_path / "best.zip", count=1, verbose=1)
    model = model_of(MaskablePPO)
    seen: list[dict[str, Any]] = []
    record = callback._record

    def spy(result: Any) -> None:
        record(result)
        seen.append({name: value for name, value in model.logger.name_to_value.items() if name.startswith("tiny/")})

    callback._record = spy
    learnt(model, 96, callback)
    assert [float(line["success_rate"]) for line in read(tmp_path / "curve.csv") if line["family"] == "all"] == [
        0,
        1,
        0,
    ]
    assert callback.best_rate == 1.0
    assert callback.last is not None
    assert callback.last.success == 0.0
    assert [round(one["tiny/success_rate"], 3) for one in seen] == [0.0, 1.0, 0.0]
    assert seen[1]["tiny/by_tool/clone_opportunity"] == 1.0
    assert MaskablePPO.load(tmp_path / "best.zip").num_timesteps == 64


def test_golden_tasks_are_all_played_or_some_that_are_always_the_same() -> None:
    few = SuiteConfig(name="some", id="CrmEnvForm-v0", keywords={"max_episode_steps": 3}, episodes=12)
    evaluator = Evaluator(few, 4, 9)
    once, again = ([*evaluator.play(lambda _, mask: mask.argmax(1)).failed] for _ in range(2))
    evaluator.close()
    assert once == again
    assert len(set(once)) > 6
    assert GOLDEN.episodes is None


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UsageError, match="every must be a whole number of 1 or more; got 0"):
        GoldenCaseCallback(every=0)
    toy = SuiteConfig(name="toy", id="toy_door:ToyDoor-v0", episodes=1)
    with pytest.raises(UsageError, match="'toy' is played in toy_door:ToyDoor-v0, which shows or takes something else"):
        learnt(model_of(MaskablePPO), 16, GoldenCaseCallback(every=8, suite=toy))
    with pytest.raises(UsageError, match="did you mean 'CrmEnvForm-Tiny-v0'"):
        learnt(model_of(MaskablePPO), 16, GoldenCaseCallback(suite=SuiteConfig(name="x", id="CrmEnvForm-Tyny-v0")))


def test_it_can_be_asked_outside_training() -> None:
    callback = GoldenCaseCallback(every=1_000, suite=SUITE)
    model = model_of(MaskablePPO)
    with warnings.catch_warnings():
        callback.init_callback(model)
    assert callback.evaluate().episodes == TASKS
    callback.close()
    callback.close()
    model.get_env().close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    for before in (0o600, 0o644):
        if path.exists():
            path.chmod(before)
        callback = GoldenCaseCallback(every=1_000, suite=SUITE, path=path)
        model = model_of(MaskablePPO)
        with warnings.catch_warnings():
            callback.init_callback(model)
        callback.evaluate()
        callback.close()
        model.get_env().close()
        assert path.stat().st_mode & 0o777 == 0o600
