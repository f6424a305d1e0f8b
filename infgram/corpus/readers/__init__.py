"""Readers: one per file format, from the bytes of a file to documents."""
