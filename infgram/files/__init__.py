"""The files of an index, and how every file is written: whole or not at all, with checksums, under locks."""
