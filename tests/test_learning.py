"""Learning, on a toy with the form door's interface: networks, cloning, algorithms, files, evaluation, the command."""

import csv
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra sb3 is not installed")
pytest.importorskip("sb3_contrib", reason="the extra sb3 is not installed")

import toy_door  # noqa: E402
from crm_agents import BaselineHarness, OracleAgent  # noqa: E402
from crm_agents.calls import CallsAgent  # noqa: E402
from crm_agents.cast import form_env  # noqa: E402
from crm_agents.cli import main  # noqa: E402
from crm_agents.configfile import override  # noqa: E402
from crm_agents.learning.agent import PolicyAgent, policy_agent  # noqa: E402
from crm_agents.learning.config import (  # noqa: E402
    EnvConfig,
    LearnerConfig,
    SuiteConfig,
    config_from,
    read_config,
)
from crm_agents.learning.demonstrations import Buffer, Source, blocks, pack, shapes_of  # noqa: E402
from crm_agents.learning.door import Door, door_of, form_door, make_env  # noqa: E402
from crm_agents.learning.evaluate import Evaluator, evaluate_policy, greedy, random_policy  # noqa: E402
from crm_agents.learning.network import NEVER, NetConfig, build, keep_words, masked, tensors  # noqa: E402
from crm_agents.learning.saving import begin_with, load_policy, save_policy  # noqa: E402
from crm_agents.learning.sb3 import Sb3Learner, as_sb3_vecenv  # noqa: E402
from crm_agents.learning.torch_ppo import TorchPpo  # noqa: E402
from crm_agents.learning.train import Training  # noqa: E402
from crm_agents.learning.vector import Unmasked, make_vector  # noqa: E402
from crm_agents.watching import said  # noqa: E402
from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported  # noqa: E402

from crm_gym import TOOLS, InfraError, UsageError  # noqa: E402
from crm_gym.form.oracle import FormOracle  # noqa: E402

ROOT = Path(__file__).parent.parent
TOY = "toy_door:ToyDoor-v0"
DOOR = Door.model_validate(toy_door.ToyDoor.door)
SMALL = {"width": 16, "hidden": 32}
SUITE = SuiteConfig(name="toy", id=TOY, episodes=60)
KINDS = ("pointer", "mlp")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def block():
    return next(blocks(Source(TOY, {}, seed=3), samples=96))


def net_of(kind="pointer", door=DOOR):
    return build(door, NetConfig(kind=kind, **SMALL))


def toy_run(out, **more):
    """A short run as plain values; tables in `more` go over those here."""
    given = {
        "out": str(out),
        "steps": 1024,
        "threads": 1,
        "checkpoint_seconds": 1e6,
        "env": {"id": TOY, "count": 8},
        "network": SMALL,
        "learner": {"steps": 16, "batch": 64, "epochs": 2, "learning_rate": 3e-3, "warmup": 100},
        "evaluate": {"suites": [SUITE.model_dump()], "count": 32},
    }
    return {name: value for name, value in {**given, **more}.items() if value is not None}


def rows(path):
    with path.open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file))


# Networks


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("door", [DOOR, form_door()], ids=["toy", "form"])
def test_networks_give_a_logit_for_each_action_and_a_value(kind, door):
    net = net_of(kind, door)
    shapes = {
        "request": (door.request, 2), "said": (door.values, len(door.value_columns)),
        "rows": (door.rows, len(door.row_columns)), "form": (len(door.form_columns),),
    }  # fmt: skip
    for batch in (1, 3):
        logits, values = net({name: torch.zeros((batch, *shape), dtype=torch.int32) for name, shape in shapes.items()})
        assert (tuple(logits.shape), tuple(values.shape)) == ((batch, door.actions), (batch,))
        assert torch.isfinite(logits).all()


@pytest.mark.parametrize("kind", KINDS)
def test_an_observation_means_the_same_in_any_batch(kind, block):
    net = net_of(kind).eval()  # while it learns, words are blotted out
    batch = tensors(block)
    with torch.no_grad():
        together = net(batch)[0]
        alone = torch.cat([net({name: tensor[i : i + 1] for name, tensor in batch.items()})[0] for i in range(96)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_the_pointer_follows_a_candidate_to_another_line(block):
    """What a line is worth does not depend on where it stands."""
    net, batch = net_of().eval(), tensors(block)
    moved = dict(batch)
    order = torch.tensor([3, 1, 0, 2, 4])
    moved["said"] = batch["said"][:, order]
    first, last = toy_door.FIRST, toy_door.FIRST + toy_door.VALUES
    with torch.no_grad():
        torch.testing.assert_close(net(moved)[0][:, first:last], net(batch)[0][:, first:last][:, order])


def test_words_are_blotted_out_while_learning_only(block):
    net, batch = net_of(), tensors(block)
    with torch.no_grad():
        assert not torch.equal(net(batch)[0], net(batch)[0])
        keep_words(net)
        assert torch.equal(net(batch)[0], net(batch)[0])


def test_masked_logits_are_never_chosen(block):
    logits, mask = torch.randn(96, DOOR.actions), torch.from_numpy(block["mask"])
    best = masked(logits, mask).argmax(1)
    assert mask.gather(1, best.unsqueeze(1)).all()
    assert (masked(logits, mask)[~mask] == NEVER).all()
    assert masked(logits, None) is logits


# Cloning


def test_demonstrations_are_the_same_every_time_and_allowed(block):
    again = next(blocks(Source(TOY, {}, seed=3), samples=96))
    assert all((block[name] == again[name]).all() for name in block)
    assert block["mask"][np.arange(96), block["action"]].all()
    assert block["return"][:3] == pytest.approx([0.99**2, 0.99, 1.0])


def test_the_buffer_gives_back_what_was_packed_and_forgets_the_oldest(block):
    buffer = Buffer(100, shapes_of(gym.make(TOY)))
    for _ in range(2):
        buffer.add(pack(block))
    assert (buffer.size, buffer.seen) == (100, 192)
    for name, array in buffer.arrays.items():
        assert (array[:92] == block[name][4:]).all()
        assert array.dtype == block[name].dtype


@pytest.mark.parametrize("kind", KINDS)
def test_cloning_learns_the_toy_and_random_play_does_not(tmp_path, kind):
    clone = {"samples": 12_000, "batch": 64, "first": 512, "learning_rate": 5e-3, "repeats": 4.0, "smoothing": 0.01}
    network = {**SMALL, "policy": kind}
    config = toy_run(tmp_path, algorithm="clone", clone=clone, network=network)
    result = Training(config_from(config)).run()
    assert result["suites"][0]["success_rate"] >= (0.98 if kind == "pointer" else 0.9)
    assert 12_000 <= result["samples"] < 12_100
    assert Evaluator(SUITE).play(random_policy(0)).success < 0.3


# Files


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_policy_is_the_same_when_loaded(tmp_path, block, kind):
    net = net_of(kind).eval()
    save_policy(tmp_path, net, masks=False, about={"seconds": 1.5})
    loaded, saved = load_policy(tmp_path)
    assert (saved.masks, saved.about, loaded.config, loaded.door) == (False, {"seconds": 1.5}, net.config, net.door)
    with torch.no_grad():
        for mine, theirs in zip(net(tensors(block)), loaded(tensors(block)), strict=True):
            assert torch.equal(mine, theirs)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".safetensors"}


def test_what_is_no_policy_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(UsageError, match="holds no policy"):
        load_policy(tmp_path)
    save_policy(tmp_path, net_of())
    described = json.loads((tmp_path / "policy.json").read_text("ascii"))
    described["network"]["width"] = 24
    (tmp_path / "policy.json").write_text(json.dumps(described), "ascii")
    with pytest.raises(UsageError, match="do not fit"):
        load_policy(tmp_path)
    (tmp_path / "policy.json").write_text('{"format": 1}', "ascii")
    with pytest.raises(UsageError, match="holds no policy that can be read"):
        load_policy(tmp_path)


def test_a_zip_runs_code_and_so_needs_trust(tmp_path):
    learner = Sb3Learner(
        "maskable_ppo", net_of(), as_sb3_vecenv(make_vector(EnvConfig(id=TOY, count=2))), LearnerConfig()
    )
    file = tmp_path / "model.zip"
    learner.model.save(file)
    with pytest.raises(UsageError, match="--trust"):
        policy_agent(file)
    env = gym.make(TOY)
    agent = policy_agent(file, trust=True)(env, 0)
    save_policy(tmp_path / "same", learner.net)
    same = policy_agent(tmp_path / "same")(env, 0)
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        for _ in range(3):
            action, _ = agent.predict(observation)
            assert action == same.predict(observation)[0]
            observation, *_ = env.step(action)


def other_door(door):
    """The same sizes, but two columns have changed places."""
    first, second, *rest = door.form_columns
    return door.model_copy(update={"form_columns": (second, first, *rest)})


def test_a_policy_for_another_door_is_refused_wherever_it_is_taken(tmp_path):
    net = net_of(door=other_door(DOOR))
    save_policy(tmp_path / "old", net)
    envs = as_sb3_vecenv(make_vector(EnvConfig(id=TOY, count=2)))
    learner = Sb3Learner("ppo", net, envs, LearnerConfig(steps=16, batch=32))
    learner.model.save(tmp_path / "old.zip")
    for agent in (policy_agent(tmp_path / "old"), policy_agent(tmp_path / "old.zip", trust=True)):
        with pytest.raises(UsageError, match="changed since it was saved; train anew"):
            agent(gym.make(TOY), 0)
    with pytest.raises(UsageError, match="changed since it was saved; train anew"):
        begin_with(net_of(), tmp_path / "old")
    with pytest.raises(UsageError, match="changed since it was saved; train anew"):
        evaluate_policy(net, SUITE)


def test_the_harness_refuses_a_policy_for_another_door_and_keeps_the_last_run(tmp_path, capsys):
    save_policy(tmp_path / "old", build(other_door(form_door()), NetConfig(**SMALL)))
    (tmp_path / "episodes.jsonl").write_text("kept", "ascii")
    out = ["--out", str(tmp_path), "--tasks", "CNC-001", "--force"]
    assert main(["eval", "--agent", "sb3", "--model", str(tmp_path / "old"), *out]) == 2
    assert main(["watch", str(tmp_path / "old"), "--env-id", "CrmEnvForm-Tiny-v0"]) == 2
    assert capsys.readouterr().err.count("train anew") == 2
    assert (tmp_path / "episodes.jsonl").read_text("ascii") == "kept"


def test_a_zip_that_will_not_do_is_refused_in_a_sentence(tmp_path):
    missing, text, empty = (tmp_path / f"{name}.zip" for name in ("missing", "text", "empty"))
    text.write_text("no zip", "ascii")
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("other", "")
    for trust in (False, True):
        with pytest.raises(UsageError, match="does not exist"):
            policy_agent(missing, trust)
    for file in (text, empty):
        with pytest.raises(UsageError, match="is no zip of stable-baselines3 that can be loaded"):
            policy_agent(file, trust=True)


@pytest.mark.parametrize("algorithm", ["maskable_ppo", "ppo", "a2c", "dqn"])
def test_a_zip_of_every_algorithm_plays_as_its_network_does(tmp_path, algorithm):
    envs = as_sb3_vecenv(make_vector(EnvConfig(id=TOY, count=2)))
    learner = Sb3Learner(algorithm, net_of(), envs, LearnerConfig(steps=16, batch=32))
    learner.model.save(tmp_path / "model.zip")
    env = gym.make(TOY)
    observation, _ = env.reset(seed=0)
    masks = algorithm == "maskable_ppo"
    (best,) = greedy(learner.net.eval(), masks)(
        {name: array[None] for name, array in observation.items()}, env.get_wrapper_attr("action_masks")()[None]
    )
    assert policy_agent(tmp_path / "model.zip", trust=True)(env, 0).predict(observation)[0] == best


# Evaluation


def test_evaluation_is_the_same_every_time_and_in_any_number_at_once():
    net = net_of()
    one, again, alone = (evaluate_policy(net, SUITE, count=count, seed=5) for count in (16, 16, 1))
    assert one.as_json() == again.as_json() == alone.as_json()
    assert one.failed == again.failed
    assert sorted(one.failed) == sorted(alone.failed)
    assert one.episodes == 60 == sum(count for count, _ in one.by_family.values())


def test_evaluation_plays_the_episodes_that_the_seeds_give():
    played = Evaluator(SUITE, seed=7).play(lambda observation, mask: mask.argmax(1))
    env = gym.make(TOY)
    families = [env.reset(seed=seed)[1]["family"] for seed in range(7, 67)]
    assert {name: count for name, (count, _) in played.by_family.items()} == {f: families.count(f) for f in families}


def test_without_masks_a_stuck_policy_fails_at_once():
    suite = SuiteConfig(name="toy", id=TOY, episodes=5)
    stuck = Evaluator(suite, masks=False).play(lambda observation, mask: np.full(len(mask), toy_door.SUBMIT))
    assert (stuck.successes, stuck.steps) == (0, 5)
    env = Unmasked(gym.make(TOY))
    env.reset(seed=0)
    ends = [env.step(toy_door.SUBMIT)[2:4] for _ in range(10)]
    assert ends == [(False, False)] * 9 + [(False, True)]


def test_a_policy_is_an_agent_of_the_harness(tmp_path):
    save_policy(tmp_path, net_of())
    env = gym.make(TOY)
    agent = policy_agent(tmp_path)(env, 0)
    assert isinstance(agent, PolicyAgent)
    observation, _ = env.reset(seed=1)
    action, state = agent.predict(observation, None, True)
    assert (env.get_wrapper_attr("action_masks")()[action], state) == (True, None)


# Batches


def test_the_vecenv_gives_masks_and_last_observations():
    envs = as_sb3_vecenv(make_vector(EnvConfig(id=TOY, count=3)))
    alone = [gym.make(TOY) for _ in range(3)]
    envs.seed(11)
    seen = envs.reset()
    expected = [env.reset(seed=11 + place)[0] for place, env in enumerate(alone)]
    assert is_masking_supported(envs)
    for _ in range(7):
        masks = get_action_masks(envs)
        assert [list(mask) for mask in masks] == [list(env.get_wrapper_attr("action_masks")()) for env in alone]
        assert all((seen[name] == np.stack([one[name] for one in expected])).all() for name in seen)
        actions = masks.argmax(1)
        seen, rewards, over, infos = envs.step(actions)
        for place, env in enumerate(alone):
            observation, reward, terminated, truncated, info = env.step(actions[place])
            assert (rewards[place], over[place]) == (reward, terminated or truncated)
            if over[place]:
                last = infos[place]["terminal_observation"]
                assert all((last[name] == observation[name]).all() for name in last)
                assert infos[place]["is_success"] == info["is_success"]
                assert infos[place]["TimeLimit.truncated"] is False
                assert infos[place]["episode"]["l"] == 3
                observation, _ = env.reset()
            expected[place] = observation
    with pytest.raises(ValueError, match="SAME_STEP"):
        as_sb3_vecenv(gym.make_vec("ToyDoor-v0", num_envs=2, vectorization_mode="sync"))


def test_a_cut_episode_is_told_from_an_ended_one():
    vector = gym.make_vec(
        "ToyDoor-v0", num_envs=2, vectorization_mode="sync", max_episode_steps=2,
        vector_kwargs={"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP},
    )  # fmt: skip
    envs = as_sb3_vecenv(vector)
    envs.reset()
    for _ in range(2):
        *_, over, infos = envs.step(get_action_masks(envs).argmax(1))
    assert over.all()
    assert [info["TimeLimit.truncated"] for info in infos] == [True, True]


def form_batch(count=2):
    return make_vector(EnvConfig(id="CrmEnvForm-Tiny-v0", count=count))


def test_the_vecenv_resets_with_the_options_it_is_given():
    envs = as_sb3_vecenv(form_batch())
    envs.set_options({"task_id": "CLO-005"})
    envs.reset()
    assert [env.task.id for env in envs.vector.crm_envs] == ["CLO-005"] * 2
    envs.set_options([{"task_id": "CLO-005"}, {"task_id": "CLO-004"}])
    with pytest.raises(UsageError, match="one dict of options for all"):
        envs.reset()


def test_the_vecenv_has_no_masks_before_a_reset():
    envs = as_sb3_vecenv(form_batch())
    with pytest.raises(gym.error.ResetNeeded, match="call reset"):
        envs.env_method("action_masks")
    envs.reset()
    assert [len(mask) for mask in envs.env_method("action_masks")] == [form_door().actions] * 2


def test_the_vecenv_gives_each_environment_its_own_attribute():
    envs = as_sb3_vecenv(form_batch(3))
    envs.seed(4)
    envs.reset()
    assert envs.get_attr("np_random_seed") == [4, 5, 6]
    assert envs.get_attr("np_random_seed", 1) == [5]
    assert envs.get_attr("num_envs", [0, 2]) == [3, 3]
    masks = [method() for method in envs.get_attr("action_masks", [2, 0])]
    assert (np.array(masks) == envs.vector.action_masks()[[2, 0]]).all()
    with pytest.raises(UsageError, match="whole batch"):
        envs.set_attr("statistics", True, indices=[0])


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: gym.make("CrmEnvForm-Tiny-v0"), "takes a batch"),
        (lambda: gym.make_vec("CrmEnv-v0", num_envs=2, autoreset_mode="SameStep"), "reads no texts"),
        (lambda: gym.make_vec("CrmEnvForm-Tiny-v0", num_envs=2), "SAME_STEP"),
    ],
)
def test_the_vecenv_refuses_what_it_cannot_use(made, said):
    with pytest.raises(UsageError, match=said):
        as_sb3_vecenv(made())


def test_a_batch_without_masks_is_refused():
    same_step = {"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP}
    envs = as_sb3_vecenv(gym.make_vec("CartPole-v1", 2, "sync", vector_kwargs=same_step))
    with pytest.raises(UsageError, match="action_mask"):
        envs.reset()


# Training


@pytest.mark.parametrize("algorithm", ["torch_ppo", "maskable_ppo", "ppo", "a2c", "dqn"])
def test_every_algorithm_runs_and_leaves_its_files(tmp_path, algorithm):
    masks = algorithm in ("torch_ppo", "maskable_ppo")
    config = config_from(toy_run(tmp_path / "run", algorithm=algorithm, masks=masks, steps=256))
    lines = []
    result = Training(config).run(lambda share, line: lines.append((share, line)))
    assert (result["steps"] >= 256, lines[-1][0]) == (True, 1.0)
    left = {path.name for path in (tmp_path / "run").iterdir()}
    files = (
        "policy.safetensors policy.json checkpoint.pt progress.csv evaluations.csv curves.png result.json config.json"
    )
    assert left >= set(files.split())
    assert any(name.startswith("events.out.tfevents") for name in left)
    assert {row["family"] for row in rows(tmp_path / "run/evaluations.csv")} == {"all", "tool0", "tool1", "tool2"}
    net, saved = load_policy(tmp_path / "run")
    assert saved.masks is masks
    assert (
        evaluate_policy(net, SUITE, masks=masks, seed=1_000_000, count=32).success
        == result["suites"][0]["success_rate"]
    )


def test_a_curriculum_can_be_followed(tmp_path):
    env = {"id": "CrmEnvForm-Train-v0", "count": 2, "curriculum": True, "keywords": {"families": ["create_quote"]}}
    config = config_from(toy_run(tmp_path / "run", env=env, steps=64, evaluate={}))
    training = Training(config)
    training.run()
    levels = training.learner.vector.get_attr("level")
    assert set(levels) == {1}  # nothing was solved yet
    plain = {**env, "curriculum": False}
    other = Training(config_from(toy_run(tmp_path / "plain", env=plain, steps=64, evaluate={})))
    other.run()
    assert not hasattr(other.learner.vector, "env_fns")  # without it, the batch of our own


def test_torch_ppo_learns_the_toy():
    config = LearnerConfig(steps=24, batch=256, learning_rate=1e-2, entropy=0.005)
    learner = TorchPpo(net_of(), make_vector(EnvConfig(id=TOY, count=32, keywords={"bonus": 0.2})), config)
    for update in range(12):
        learner.advance(update / 12)
    assert evaluate_policy(learner.net, SUITE).success > 0.7  # about 0.08 at the start


@pytest.mark.parametrize("algorithm", ["torch_ppo", "maskable_ppo"])
def test_a_resumed_run_is_the_run_that_was_not_interrupted(tmp_path, algorithm):
    def config(name, steps):
        learner = {"steps": 16, "batch": 64, "epochs": 2, "anneal": False}
        return config_from(
            toy_run(tmp_path / name, algorithm=algorithm, steps=steps, learner=learner, checkpoint_steps=256)
        )

    whole = Training(config("whole", 512)).run()
    first = Training(config("parts", 512))
    while first.steps < 384:  # dies after a checkpoint, with work done that nobody kept
        first._advance()
        first._keep_if_due()
    first.close()
    shutil.copy(tmp_path / "parts/progress.csv", tmp_path / "before.csv")
    again = Training(config("parts", 512), resume=True)
    assert again.steps == 256
    assert again.run()["suites"] == whole["suites"]
    (one, _), (other, _) = load_policy(tmp_path / "whole"), load_policy(tmp_path / "parts")
    assert all(torch.equal(one.state_dict()[name], tensor) for name, tensor in other.state_dict().items())
    assert len(rows(tmp_path / "before.csv")) == 3
    assert [row["steps"] for row in rows(tmp_path / "parts/progress.csv")] == ["128", "256", "384", "512"]


def test_a_folder_with_a_run_is_kept_unless_forced_or_resumed(tmp_path):
    given = toy_run(tmp_path, steps=128)
    with pytest.raises(UsageError, match="no checkpoint"):
        Training(config_from(given), resume=True)
    Training(config_from(given)).run()
    with pytest.raises(UsageError, match="--force"):
        Training(config_from(given))
    other = {**given, "seed": 1}
    with pytest.raises(UsageError, match="another config"):
        Training(config_from(other), resume=True)
    assert Training(config_from(other), force=True).run()["steps"] == 128


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else None


def unreachable(*_, **__):
    raise InfraError("the database is out of reach")


FORM = "CrmEnvForm-Train-v0"
BAD_SUITE = {"name": "a", "id": FORM, "keywords": {"suite": "generated"}}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"env": {"id": "CrmEnvForm-Typo-v0"}}, "did you mean 'CrmEnvForm-Tiny-v0'"),
        ({"env": {"id": "nomod:X"}}, "module 'nomod' cannot be imported"),
        ({"env": {"id": ":X"}}, "module '' cannot be imported"),
        ({"env": {"id": FORM, "keywords": {"max_episode_steps": 0}}}, "cannot be made with these keywords"),
        ({"env": {"id": TOY, "keywords": {"bonsu": 1.0}}}, "cannot be made with these keywords"),
        ({"env": {"id": "CrmEnvSlots-v0"}}, "form door"),
        ({"env": {"id": "CrmEnv-v0"}}, "form door"),
        ({"start": "nowhere"}, "nowhere holds no policy"),
        ({"evaluate": {"suites": [BAD_SUITE]}}, "say how many episodes"),
        ({"evaluate": {"suites": [BAD_SUITE | {"episodes": 1}]}}, "suite 'a': the policy is made for another"),
        ({"algorithm": "clone", "clone": {"samples": 9, "keywords": {"bonsu": 1.0}}}, "cannot be made with"),
    ],
)
def test_a_run_that_cannot_begin_leaves_the_folder_as_it_was(tmp_path, wrong, said):
    run, new = tmp_path / "run", tmp_path / "new"
    run.mkdir()
    for name in ("config.json", "policy.json", "policy.safetensors", "checkpoint.pt", "result.json", "curves.png"):
        (run / name).write_text(name, "ascii")
    before = contents(run)
    for folder, force in ((run, True), (new, False)):
        with pytest.raises(UsageError) as fault:
            Training(config_from(toy_run(folder, **wrong)), force=force)
        assert said in str(fault.value)
    assert (contents(run), new.exists()) == (before, False)


def test_a_database_out_of_reach_is_no_traceback(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(toy_door.ToyDoor, "reset", unreachable)
    (tmp_path / "toy.toml").write_text(f'steps = 128\nout = "{tmp_path / "run"}"\nenv.id = "{TOY}"\n', "utf-8")
    assert main(["train", str(tmp_path / "toy.toml")]) == 2
    assert (capsys.readouterr().err, (tmp_path / "run").exists()) == (
        "crm-agents: the database is out of reach\n",
        False,
    )


def test_a_folder_that_cannot_be_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("", "ascii")
    for out, words in ((tmp_path / "file", "is a file"), (tmp_path / "file/in", "cannot be written")):
        with pytest.raises(UsageError, match=words):
            Training(config_from(toy_run(out)))


@pytest.mark.parametrize("broken", ["empty", "half", "text", "list"])
def test_a_broken_checkpoint_is_refused_in_a_sentence(tmp_path, broken):
    config, file = config_from(toy_run(tmp_path)), tmp_path / "checkpoint.pt"
    torch.save([1] if broken == "list" else {"same": "", "net": torch.zeros(100)}, file)
    whole = file.read_bytes()
    file.write_bytes({"empty": b"", "half": whole[: len(whole) // 2], "text": b"no checkpoint"}.get(broken, whole))
    with pytest.raises(UsageError, match="is no checkpoint that can be read"):
        Training(config, resume=True)


def test_a_checkpoint_for_another_door_is_refused(tmp_path, monkeypatch):
    given = config_from(toy_run(tmp_path, steps=128, evaluate={"at_end": False}))
    Training(given).run()
    monkeypatch.setattr(toy_door.ToyDoor, "door", other_door(DOOR).model_dump())
    with pytest.raises(UsageError, match="train anew"):
        Training(given, resume=True)


def test_an_environment_may_bring_its_own_door_whatever_its_actions():
    assert door_of(make_env(TOY, {})) == DOOR
    with pytest.raises(UsageError, match="form door"):
        door_of(make_env("CrmEnvSlots-v0", {}))


def test_the_clock_ends_a_run(tmp_path):
    result = Training(config_from(toy_run(tmp_path, steps=None, seconds=0.5, evaluate={"at_end": False}))).run()
    assert 0.5 <= result["seconds"] < 5
    assert result["suites"] == []


# Configs


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": 1, "algoritm": "dqn"}, "did you mean 'algorithm'?"),
        ({"steps": 1, "env": {"cout": 3}}, "there is no 'env.cout'; did you mean 'count'?"),
        ({"steps": 1, "evaluate": {"suites": [{"name": "a", "episode": 3}]}}, "did you mean 'episodes'?"),
        ({"steps": "many"}, "steps: Input should be a valid integer"),
        ({"steps": 1, "algorithm": "sac"}, "algorithm: Input should be 'clone'"),
        ({}, "a run needs seconds or steps"),
        ({"steps": 1, "clone": {}}, "clone needs seconds or samples"),
        ({"algorithm": "clone"}, "needs a table [clone]"),
        ({"steps": 1, "algorithm": "dqn"}, "dqn knows no masks"),
        ({"steps": 1, "learner": {"batch": 1}}, "torch_ppo needs a learner.batch"),
        ({"steps": 1, "algorithm": "maskable_ppo", "learner": {"batch": 1}}, "of 2 or more"),
        ({"steps": 1, "env": {"count": 1}, "learner": {"steps": 1}}, "of 2 or more"),
        ({"steps": 1, "evaluate": {"suites": [{"name": "a"}, {"name": "a"}]}}, "two suites have the name 'a'"),
    ],
)
def test_a_wrong_config_says_what_would_do(given, said):
    with pytest.raises(UsageError) as fault:
        config_from(given)
    assert said in str(fault.value)


def test_a_config_is_read_from_toml_with_overrides(tmp_path):
    (tmp_path / "a.toml").write_text('seconds = 60\n[env]\nid = "X-v0"\n[env.keywords]\nlevel = 2\n', "utf-8")
    overrides = dict(override(text) for text in ("env.count=3", "out=runs/x", "masks=true", "env.keywords.level=3"))
    config = read_config(tmp_path / "a.toml", overrides)
    assert (config.env.count, config.out, config.env.keywords, config.seconds) == (3, "runs/x", {"level": 3}, 60)
    with pytest.raises(UsageError, match="key=value"):
        override("seed")
    with pytest.raises(UsageError, match="cannot be read"):
        read_config(tmp_path / "b.toml")
    (tmp_path / "c.toml").write_text("seconds = ", "utf-8")
    with pytest.raises(UsageError, match="is no TOML"):
        read_config(tmp_path / "c.toml")


def test_the_configs_that_come_along_can_be_read():
    others = ("eval_", "judge", "prices")  # are read in tests/test_eval_models.py and test_judge.py
    paths = [path for path in (ROOT / "configs").rglob("*.toml") if not path.name.startswith(others)]
    assert len(paths) >= 5
    for path in paths:
        config = read_config(path)
        assert {config.env.id, *(suite.id for suite in config.evaluate.suites)} <= set(gym.registry), path


# The command


def test_the_command_trains_and_says_what_came_out(tmp_path, capsys):
    (tmp_path / "toy.toml").write_text(
        f'steps = 128\nthreads = 1\n[env]\nid = "{TOY}"\ncount = 4\n[network]\nwidth = 16\n[learner]\nsteps = 16\n'
        f'[[evaluate.suites]]\nname = "toy"\nid = "{TOY}"\nepisodes = 10\n',
        "utf-8",
    )
    command = ["train", str(tmp_path / "toy.toml"), "--set", f"out={tmp_path / 'run'}", "seed=3", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "run/result.json").read_text("ascii"))
    assert main(command) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*command[:-1], "--force"]) == 0
    assert "toy" in capsys.readouterr().out


def test_the_harness_wants_a_model_for_a_learnt_policy(tmp_path, capsys):
    for arguments in (("--agent", "sb3"), ("--agent", "null", "--model", str(tmp_path))):
        assert main(["eval", *arguments, "--out", str(tmp_path / "run")]) == 2
        assert "--model" in capsys.readouterr().err


def test_a_learnt_policy_plays_text_suites_through_the_form_door(tmp_path):
    save_policy(tmp_path / "policy", build(form_door(), NetConfig(**SMALL)))
    out = tmp_path / "run"
    command = ["eval", "--agent", "sb3", "--model", str(tmp_path / "policy"), "--tasks", "CNC-001", "--out", str(out)]
    assert main(command) == 0
    _, record = [json.loads(line) for line in (out / "episodes.jsonl").read_text("ascii").splitlines()]
    assert record["task"] == "CNC-001"
    for step in record["steps"]:  # as they are at the text door
        assert step["tool"] in TOOLS
        assert isinstance(step["arguments"], dict)
        assert json.loads(step["result"]) is not None


def make_form_oracle(env, seed):
    return CallsAgent(env, FormOracle(env))


def test_the_form_door_leaves_the_log_of_the_text_door(tmp_path):
    """The same calls, results, hashes and verdicts, whichever door a policy plays through."""
    plan = {"tasks": ["CNC-002", "CNC-104", "QPX-001", "CLO-001"]}
    form = BaselineHarness(make_form_oracle, tmp_path / "form.jsonl", plan, make_env=form_env).run()
    text = BaselineHarness(lambda env, seed: OracleAgent(env, demonstrate=True), tmp_path / "text.jsonl", plan).run()
    assert [record["outcome"] for record in form.episodes] == ["success"] * len(form.episodes)
    names = ("task", "seed", "request", "today", "verdict", "diff", "terminated", "truncated")
    for one, other in zip(form.episodes, text.episodes, strict=True):
        assert [one[name] for name in names] == [other[name] for name in names]
        assert [_called(step) for step in one["steps"]] == [_called(step) for step in other["steps"]]


def _called(step):
    given = {} if step["tool"] in ("decline", "finish") else step["arguments"]  # words of one's own may be left out
    return step["tool"], given, step["error"], step["hash"]


def test_a_policy_can_be_watched(tmp_path, capsys):
    save_policy(tmp_path / "policy", build(form_door(), NetConfig(**SMALL)))
    assert main(["watch", str(tmp_path / "policy"), "--env-id", "CrmEnvForm-Tiny-v0", "--seed", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "1"
    assert any("verdict" in line for line in lines)
    assert main(["watch", str(tmp_path / "policy"), "--env-id", "CrmEnv-v0"]) == 2
    assert "CrmEnvForm-v0" in capsys.readouterr().err


def test_a_masked_out_step_is_said_to_be_one():
    env = gym.make("CrmEnvForm-Tiny-v0").unwrapped
    env.reset(seed=0)
    outs = np.flatnonzero(~env.action_masks()).tolist()
    assert len(outs) > 100  # candidates that are not there among them
    assert all(said(env, action).endswith("(masked out)") for action in outs)
    assert "(masked out)" not in said(env, int(env.action_masks().argmax()))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["watch", "MODEL", "--seed", "-1"], ("seed must be 0 or more",)),
        (["eval", "--agent", "oracle", "--trust"], ("--trust", "loads none")),
        (
            ["eval", "--agent", "sb3", "--model", "MODEL", "--env-id", "CrmEnvForm-Test-v0"],
            ("runs take ids of text environments", "through whichever door", "say CrmEnv-Test-v0"),
        ),
        (["eval", "--agent", "oracle", "--env-id", "CrmEnv-Tset-v0"], ("does not exist", "'CrmEnv-Test-v0'")),
    ],
)
def test_the_command_refuses_in_a_sentence(tmp_path, capsys, command, words):
    save_policy(tmp_path / "policy", build(form_door(), NetConfig(**SMALL)))
    assert main([str(tmp_path / "policy") if word == "MODEL" else word for word in command]) == 2
    told = capsys.readouterr().err
    assert all(word in told for word in words)


def test_who_stops_watching_is_promised_nothing(monkeypatch, capsys):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("crm_agents.commands.watch.watch", stopped)
    monkeypatch.setattr("crm_agents.commands.watch.learnt", lambda *_: None)
    assert main(["watch", "policy"]) == 130
    assert capsys.readouterr().err == "crm-agents: stopped\n"


def test_the_script_writes_nothing_when_it_is_asked_for_what_cannot_be(tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("learn", ROOT / "scripts/learn.py")
    learn = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(learn)
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "toy.toml"
    suite = f'[[evaluate.suites]]\nname = "toy"\nid = "{TOY}"\nepisodes = 2\n'
    config.write_text(f'steps = 16\nenv.id = "{TOY}"\n{suite}', "utf-8")
    save_policy(tmp_path / "runs/toy-0", net_of())
    monkeypatch.setattr(learn, "_played", lambda *_: pytest.fail("played before all was looked at"))
    monkeypatch.setattr(learn, "run_train", lambda *_, **__: pytest.fail("trained before all was looked at"))
    for more, told in (
        (["--episodes", "0"], "--episodes must be 1 or more"),
        (["--episodes=-3", "--played"], "--episodes must be 1 or more"),
        (["--played"], "toy-1 holds no policy"),
        (["--seeds", "0", "-1"], "seed"),
    ):
        assert learn.main([str(config), *more]) == 2
        assert told in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"toy.toml", "runs"}


def test_neither_the_agents_nor_a_demonstrating_process_import_torch():
    code = (
        "import sys, crm_agents, crm_agents.cli, crm_agents.learning.demonstrations, crm_agents.learning.config;"
        "sys.exit(bool({'torch', 'stable_baselines3', 'matplotlib', 'safetensors'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
