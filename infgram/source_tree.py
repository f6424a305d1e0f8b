"""Importing infgram in the root of a source tree, whose folder `infgram/` hides the installed package."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def import_installed() -> None:
    """Import the installed package in place of the source tree's, whole, so that versions never mix.

    Raises:
        ImportError: no installed package was found.
    """
    sources = Path(__file__).resolve().parent
    candidates = [Path(entry).resolve() / "infgram" for entry in sys.path]
    for folder in candidates:
        if folder == sources or PathFinder.find_spec("_core", [str(folder)]) is None:
            continue
        spec = spec_from_file_location("infgram", folder / "__init__.py", submodule_search_locations=[str(folder)])
        if spec is None or spec.loader is None:
            continue
        for name in [name for name in sys.modules if name.partition(".")[0] == "infgram"]:
            del sys.modules[name]
        # The import system returns what it finds under this name now, not the module that it began with.
        sys.modules["infgram"] = installed = module_from_spec(spec)
        spec.loader.exec_module(installed)
        return
    raise ImportError(
        f"{sources} is source code without its compiled module, and infgram is not installed for {sys.executable}; "
        f"install it: {sys.executable} -m pip install {sources.parent}",
        name="infgram._core",
    )
