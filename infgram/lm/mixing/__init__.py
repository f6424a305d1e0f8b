"""Interpolation of language models: evidence, weights by class, the gate, and further models of a document."""
