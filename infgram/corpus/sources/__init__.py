"""Where the bytes of a corpus come from: files, folders, patterns, URLs, standard input; compressed or not."""
