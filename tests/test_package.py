"""The installation: one version everywhere, the public names, and only the package."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import infgram
from infgram import _core

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTION = metadata.distribution("infgram")


def only(pattern: str, path: str) -> str:
    """Return the first match of a pattern in a file of the tree."""
    found = re.search(pattern, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"{path} has no line like {pattern}"
    return found.group(1)


def test_all_versions_agree() -> None:
    versions = {
        "pyproject.toml": only(r'^version = "([^"]+)"$', "pyproject.toml"),
        "docs/CITATION.cff": only(r"^version: (\S+)$", "docs/CITATION.cff"),
        "docs/changelog.md": only(r"^## (\d\S*)", "docs/changelog.md"),
        "the installed package": DISTRIBUTION.version,
        "infgram": infgram.__version__,
        "the native module": _core.__version__,
    }
    assert len(set(versions.values())) == 1, versions


def test_public_names_match_all() -> None:
    visible = {
        name
        for name, value in vars(infgram).items()
        if not name.startswith("_") and name != "annotations" and not isinstance(value, ModuleType)
    }
    assert visible - set(infgram.__all__) == set()
    assert [name for name in infgram.__all__ if not hasattr(infgram, name)] == []


def test_the_public_names_are_listed_once() -> None:
    assert len(infgram.__all__) == len(set(infgram.__all__))


def test_type_checkers_see_the_public_names_where_they_are_defined() -> None:
    tree = ast.parse((ROOT / "infgram" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    imported = {
        (str(node.module), alias.name, alias.asname)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == {(module, name, name) for module, names in infgram._HOMES.items() for name in names}


def installed() -> list[str]:
    """Return the paths that the installation wrote into site-packages; an editable one adds its own hook."""
    files = [file.as_posix() for file in DISTRIBUTION.files or []]
    inside = [name for name in files if not name.startswith("../") and "__pycache__" not in name]
    return [name for name in inside if not name.startswith("_editable")]


def test_only_the_package_is_installed() -> None:
    tops = {name.split("/")[0] for name in installed()}
    assert tops == {"infgram", f"infgram-{DISTRIBUTION.version}.dist-info"}


def test_the_service_is_installed_inside_the_package() -> None:
    """Every file of `service/` is importable as `infgram.service`, the page's files included."""
    home = Path(str(importlib.import_module("infgram.service").__file__)).parent
    names = {path.relative_to(ROOT / "service") for path in (ROOT / "service").rglob("*") if path.is_file()}
    assert {str(name) for name in names if "__pycache__" not in name.parts and not (home / name).is_file()} == set()


def test_the_installation_is_complete() -> None:
    """The wheel has the type marker, the license and the command."""
    files = [file.as_posix() for file in DISTRIBUTION.files or []]
    assert any(name.endswith("bin/infgram") for name in files)
    assert any(name.endswith("licenses/LICENSE") for name in files)
    assert (Path(infgram.__file__).parent / "py.typed").is_file()


def test_the_plain_install_has_no_extras() -> None:
    required = [line for line in DISTRIBUTION.requires or [] if "extra ==" not in line]
    names = {re.split(r"[^\w.-]", line)[0].lower() for line in required}
    assert names == {"numpy", "tokenizers", "fastokens", "typer", "rich", "backports.zstd"}


def test_language_models_need_no_import_of_their_own() -> None:
    code = "import infgram, sys; assert 'infgram.lm' not in sys.modules; print(infgram.lm.InfgramLM.__name__)"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "InfgramLM\n"


def imported_in_a_source_tree(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Start Python in a folder with the package, as in a new clone, and import it."""
    shutil.copytree(ROOT / "infgram", folder / "infgram", ignore=shutil.ignore_patterns("_core*.so", "__pycache__"))
    code = "import infgram; print(infgram.__file__); infgram.open; print(sorted(infgram.__all__)[0])"
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=60)


def test_in_a_source_tree_the_installed_package_is_imported(tmp_path: Path) -> None:
    done = imported_in_a_source_tree(tmp_path)
    assert done.stdout.splitlines() == [str(infgram.__file__), min(infgram.__all__)], done.stderr


def test_the_error_in_a_source_tree_without_an_installation_has_advice(tmp_path: Path) -> None:
    done = imported_in_a_source_tree(tmp_path, "-S")
    assert f"pip install {tmp_path.resolve()}" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("ImportError: ")
