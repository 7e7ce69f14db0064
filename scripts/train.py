#!/usr/bin/env python3
"""Train a policy: scripts/train.py --config configs/ppo_form.toml [--set key=value ...] [--resume] [--force].

The same as `crm-agents train configs/ppo_form.toml`.
"""

import sys

from crm_agents.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *(argument for argument in sys.argv[1:] if argument != "--config")]))
