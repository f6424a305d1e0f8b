"""`python -m infgram` is the command `infgram`."""

from __future__ import annotations

from infgram.cli.app import main

if __name__ == "__main__":
    main()
