"""From the bytes of a file to documents: a reader for each format."""
