"""An index whose shards are spread over a Ray cluster: their owners, and the engine that combines their answers."""
