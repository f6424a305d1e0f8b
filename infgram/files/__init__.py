"""Files of an index: manifests, sections, checksums, atomic writes and locks."""
