"""Language models over an index, and the counts of contexts that they are computed from."""
