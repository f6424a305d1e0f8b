"""The command line: one file a command; everything here asks the library and prints, and nothing else uses it."""

from __future__ import annotations
