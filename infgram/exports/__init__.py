"""Documents and tokens out of an index again: files of rows, token files, and batches for training."""
