"""Serve an index from a Ray cluster: owners of shards, and the engine that combines their answers."""
