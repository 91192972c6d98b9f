"""Activations: what forward keeps for backward, layer by layer, and how much of it is alive."""
