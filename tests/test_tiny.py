"""The tiny world is learnt: MaskablePPO solves CrmEnvForm-Tiny-v0, from nothing, in the config that comes along."""

from pathlib import Path

import torch
from crm_agents.learning.config import read_config
from crm_agents.learning.evaluate import Evaluator, random_policy
from crm_agents.learning.train import Training

CONFIG = Path(__file__).parent.parent / "configs" / "tiny.toml"
STEPS = 14_336  # about 12 s on two idle cores; the config's own limit is 30 s


def test_maskable_ppo_solves_the_tiny_world(tmp_path):
    threads = torch.get_num_threads()
    try:
        # Steps, not seconds, so that a busy machine learns the same.
        config = read_config(CONFIG, {"out": str(tmp_path / "tiny"), "seconds": None, "steps": STEPS})
        assert config.algorithm == "maskable_ppo"
        assert config.clone is None
        result = Training(config).run()
    finally:
        torch.set_num_threads(threads)
    (suite,) = result["suites"]
    assert suite["episodes"] == 200
    assert suite["success_rate"] >= 0.99
    evaluator = Evaluator(config.evaluate.suites[0])
    assert evaluator.play(random_policy(0)).success < 0.3  # what it began with
    evaluator.close()
