"""The command line, with one file per command. Commands call the library and print; no other package imports them."""

from __future__ import annotations
