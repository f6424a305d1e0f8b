"""Where the files of an index are: a folder of this machine, or of whatever fsspec reaches by a URL."""
