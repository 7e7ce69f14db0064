"""The benchmark runs, and one episode costs no more instructions than were recorded."""

import importlib
import importlib.util
import json
import platform
import shutil
from argparse import Namespace
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent
RECORDED = Path(__file__).parent / "instructions.json"
TOLERANCE = 1.03


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench", ROOT / "scripts" / "bench.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_figure_comes_out(bench, monkeypatch):
    in_turns = bench._in_turns
    monkeypatch.setattr(bench, "_in_turns", lambda contenders, repeats, rounds: in_turns(contenders, 1, 3))
    figures = bench.core(Namespace(records=400, resets=50))
    assert set(figures) == {"records", "episode", "flat_in_size", "long_episode", "loading", "memory_bytes", "growth"}
    assert set(figures["flat_in_size"]) == {
        "reset",
        "reset and step",
        "verdict",
        "snapshot",
        "fork",
        "fork, write, state hash",
    }
    assert json.loads(json.dumps(figures)) == figures
    assert "cartpole_step_us" in bench._table(figures)


def test_memory_of_a_fork_and_an_environment_is_small(bench):
    """Bytes are counted, not measured: no clock is in this."""
    used = bench.memory(bench.World.of("some", bench._loaded(2_000)))
    assert used["per_fork"] <= 4_096
    assert used["per_env"] <= 4_096


def test_figures_of_the_generator_come_out(bench, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    generator = importlib.import_module("bench_generator")
    monkeypatch.setattr(generator, "_BLOCK", 5)
    figures = generator.measure(rounds=3, large=2_000)
    assert {"tasks_per_second", "large_over_small"} <= set(figures)
    assert all(value > 0 for value in figures.values())


def test_figures_of_the_batch_come_out(bench, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    vector = importlib.import_module("bench_vector")
    monkeypatch.setattr(vector, "CASES", vector.CASES[1:2])  # a process for each of 64 environments takes its time
    figures = vector.measure((1, 8), (100,), rounds=2, large=400, size=2)
    solved = figures["beside_sync_and_async"]["horizon_10"]
    assert min(solved.values()) > 0
    assert set(figures["steps_per_second"]) == {"1", "8"}
    assert figures["bytes_per_extra_env"]["beside_the_slice"] <= 4_096  # counted, not measured
    assert json.loads(json.dumps(figures)) == figures


def test_figures_of_the_learner_come_out(bench, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    learner = importlib.import_module("bench_learner")
    monkeypatch.setattr(learner, "CASES", learner.CASES[:1])
    threads = torch.get_num_threads()
    figures = learner.measure(size=2, steps=4, rounds=1)
    torch.set_num_threads(threads)
    assert figures["golden"]["ratio"] > 0
    assert "free_steps_per_s" in bench._table(figures)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind counts the instructions; install it")
def test_an_episode_costs_no_more_instructions_than_recorded(bench):
    """Recorded with: scripts/bench.py core --instructions"""
    recorded = json.loads(RECORDED.read_text("ascii"))
    if recorded["python"] != platform.python_version():
        pytest.skip(f"recorded with Python {recorded['python']}, this is {platform.python_version()}")
    assert bench.instructions() <= recorded["instructions"] * TOLERANCE
