"""Runs the benchmarks on data that they make themselves, and prints one JSON object a row.

    python benchmarks/run.py                     the defaults: a minute or two
    python benchmarks/run.py --tokens 100e6      as large as memory and patience allow

Answers are checked before a time is printed: every suffix array is verified.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))  # last, so that infgram is the installed one

from benchmarks import sorting


def main() -> None:
    """Parse the options and print the rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=float, default=2e6, help="tokens of each corpus (default: 2e6)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the median is taken (default: 3)")
    options = parser.parse_args()
    cores = os.cpu_count() or 1
    print(json.dumps({"machine": platform.machine(), "cores": cores, "python": platform.python_version()}))
    for row in sorting.measure(int(options.tokens), tuple(sorted({1, cores})), options.repeats):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
