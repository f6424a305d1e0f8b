"""Storage of index files: a local folder, or a folder behind a URL that fsspec supports."""
