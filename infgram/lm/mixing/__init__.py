"""Interpolation of language models: inputs, weights by class, the gate, and further models of a document."""
