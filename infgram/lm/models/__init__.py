"""Language models over an index: the ∞-gram, and models smoothed by all suffixes of the context."""
