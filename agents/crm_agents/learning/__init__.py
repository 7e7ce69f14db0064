"""Learning: networks, cloning, reinforcement learning, evaluation. Modules import torch; this one does not."""
