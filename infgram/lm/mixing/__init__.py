"""Mixtures of several language models: weights by class of contexts, or by a gate for every position."""
