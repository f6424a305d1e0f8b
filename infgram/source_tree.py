"""Support `import infgram` in the root of a source tree, where the folder `infgram/` hides the installed package."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def import_installed() -> None:
    """Replace the source tree's package by the installed one, with all its modules, so that versions never mix.

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
        # The import system returns the module that sys.modules now has under this name.
        sys.modules["infgram"] = installed = module_from_spec(spec)
        spec.loader.exec_module(installed)
        return
    raise ImportError(
        f"{sources} is source code without its compiled module, and infgram is not installed for {sys.executable}; "
        f"install it: {sys.executable} -m pip install {sources.parent}",
        name="infgram._core",
    )
