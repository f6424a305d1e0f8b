"""Dependencies point in one direction: allowed includes in C++ and imports in Python."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import infgram

ROOT = Path(__file__).resolve().parents[1]

CPP_LAYERS = ("base", "storage", "suffix", "index", "query", "lm", "python")
"""A folder of csrc includes itself and those before it."""

PYTHON_LAYERS: dict[str, set[str]] = {
    "errors": set(),
    "caching": set(),
    "source_tree": set(),
    "reprs": set(),
    "notebook": {"reprs"},
    "tables": {"errors", "reprs", "notebook"},
    "types": {"errors", "caching", "arguments", "reprs", "notebook", "tables"},
    "files": {"errors", "caching", "types"},
    "corpus": {"errors", "types", "reprs", "arguments"},
    "tokenizers": {"errors", "caching", "types", "files", "reprs"},
    "arguments": {"errors", "reprs"},
    "snippets": {"engine", "caching", "types", "tokenizers"},
    "session": {"errors", "types", "arguments", "engine", "reprs"},
    "watch": {"errors", "types", "arguments"},
    "query_language": {"errors", "types", "reprs", "arguments"},
    "engine": {"types", "provenance"},
    "provenance": {"errors", "types", "files"},
    "partial": {"reprs"},
    "shards": {"engine", "errors", "files", "provenance", "tokenizers", "types"},
    "search": {
        *("errors", "types", "arguments", "watch", "query_language", "tokenizations", "tokenizers", "snippets"),
        *("engine", "provenance", "reprs"),
    },
    "tokenizations": {"errors", "types", "watch", "tokenizers", "engine", "reprs"},
    "duplicates": {"types", "caching", "reprs", "notebook", "tables"},
    "open_index": {
        *("errors", "types", "arguments", "files", "tokenizers", "engine", "shards", "snippets", "provenance", "reprs"),
    },
    "token_batches": {"engine", "errors", "reprs", "types"},
    "exports": {"errors", "types", "arguments", "watch", "corpus", "files", "index", "reprs"},
    "index": {
        *("errors", "types", "arguments", "session", "tokenizers", "open_index"),
        *("watch", "query_language", "search", "tokenizations", "duplicates", "engine", "token_batches"),
        *("provenance", "tables"),
    },
    "planning": {"errors", "types", "arguments", "files"},
    "client": {"errors", "types", "arguments", "query_language", "reprs", "tables"},
    "lm": {"errors", "types", "arguments", "watch", "files", "corpus", "tokenizers", "index", "reprs", "tables"},
    "indexing": {
        *("errors", "types", "arguments", "files", "corpus", "tokenizers", "index", "shards", "infini_gram", "engine"),
        "provenance",
    },
    "changes": {
        *("errors", "types", "arguments", "files", "corpus", "tokenizers", "index", "indexing", "shards", "engine"),
        *("provenance", "reprs", "search", "watch", "infini_gram"),
    },
    "cluster": {
        *("errors", "types", "caching", "arguments", "files", "watch", "corpus", "tokenizers"),
        *("index", "indexing", "search", "engine", "partial", "shards", "provenance", "reprs", "tables"),
    },
    "infini_gram": {
        *("errors", "types", "arguments", "files", "reprs", "tokenizers", "engine", "shards", "open_index", "index"),
    },
    "index_location": {"errors", "types", "arguments", "index", "infini_gram", "tokenizers", "cluster"},
    "analysis": {
        *("errors", "types", "arguments", "watch", "corpus", "tokenizers", "snippets", "duplicates", "index", "files"),
        *("reprs", "tables", "search", "tokenizations", "exports"),
    },
    "__init__": {
        *(
            "errors",
            "types",
            "source_tree",
            "corpus",
            "tokenizers",
            "query_language",
            "index",
            "index_location",
            "session",
        ),
        *("indexing", "changes", "duplicates", "tokenizations", "analysis", "exports", "client", "partial"),
    },
    "cli": {
        *("__init__", "errors", "types", "arguments", "files", "corpus", "tokenizers", "snippets"),
        *("query_language", "index", "infini_gram", "indexing", "changes", "cluster", "analysis", "exports"),
        *("lm", "planning", "reprs"),
    },
    "__main__": {"cli"},
}
"""What each module or folder of infgram may import of infgram, besides itself."""

CORE_USERS = {"shards", "tokenizations", "duplicates", "lm", "files", "indexing", "changes", "cluster", "__init__"}
"""Only these import the native module; the package takes no more than its version from it."""

HOMES = {
    "torch": ("infgram/lm/",),
    "transformers": ("infgram/lm/",),
    "tokenizers": ("infgram/tokenizers/",),
    "huggingface_hub": ("infgram/tokenizers/",),
    "fastokens": ("infgram/tokenizers/",),
    "pyarrow": ("infgram/corpus/", "infgram/tables.py"),
    "pandas": ("infgram/tables.py",),
    "fsspec": ("infgram/corpus/", "infgram/cluster/"),
    "ray": ("infgram/cluster/",),
    "typer": ("infgram/cli/",),
    "rich": ("infgram/cli/",),
    "httpx2": ("infgram/client/",),
    "fastapi": ("service/",),
    "starlette": ("service/",),
    "pydantic": ("service/",),
    "pydantic_settings": ("service/",),
    "prometheus_client": ("service/",),
    "mcp": ("service/mcp/server.py",),
}
"""Where a package may be imported; everywhere else it would cost those who do not need it."""


class Import(NamedTuple):
    """An imported name, `infgram.types.Query` for `from infgram.types import Query`, and its place."""

    module: str
    place: str


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"no Python files under {folder}"
    return found


def imports(path: Path, package: str) -> Iterator[Import]:
    """Return all imports of a file by absolute name, also inside functions; `package` contains the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        place = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, place) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            anchor = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*anchor, *([node.module] if node.module else [])])
            yield from (Import(f"{base}.{alias.name}", place) for alias in node.names)


def package_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).parent.parts)


def unit_of(path: Path) -> str:
    """Return the module or folder directly under infgram that a file belongs to."""
    first = path.relative_to(ROOT / "infgram").parts[0]
    return first.removesuffix(".py")


def target_of(module: str) -> str | None:
    """Return the module or folder directly under infgram of an import; None for other packages."""
    parts = module.split(".")
    if parts[0] != "infgram":
        return None
    inside = ROOT / "infgram" / parts[1] if len(parts) > 1 else None
    known = inside is not None and (inside.is_dir() or inside.with_suffix(".py").is_file())
    return parts[1] if known or parts[1:2] in (["_core"], ["service"]) else "__init__"


@pytest.mark.parametrize("layer", CPP_LAYERS)
def test_a_cpp_folder_includes_only_itself_and_those_before_it(layer: str) -> None:
    allowed = CPP_LAYERS[: CPP_LAYERS.index(layer) + 1]
    wrong = []
    for path in cpp_sources():
        if path.relative_to(ROOT / "csrc").parts[0] == layer:
            wrong += [
                f"{path.relative_to(ROOT)} includes {name}"
                for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE)
                if name.split("/")[0] not in allowed or not (ROOT / "csrc" / name).is_file()
            ]
    assert wrong == [], f"{layer} may include {', '.join(allowed)}, by paths from csrc"


def cpp_sources() -> list[Path]:
    return sorted(path for path in (ROOT / "csrc").rglob("*.?pp"))


def test_every_cpp_file_has_a_layer() -> None:
    folders = {path.relative_to(ROOT / "csrc").parts[0] for path in cpp_sources()}
    assert folders <= set(CPP_LAYERS)
    assert "python" in folders


def test_only_the_bindings_include_pybind11() -> None:
    python_header = re.compile(r'^\s*#\s*include\s*[<"](?:pybind11/|Python\.h|numpy/)', re.MULTILINE)
    users = {path.parent.name for path in cpp_sources() if python_header.search(path.read_text(encoding="utf-8"))}
    assert users == {"python"}


def test_every_python_file_has_a_layer() -> None:
    units = {unit_of(path) for path in sources("infgram")}
    assert units <= set(PYTHON_LAYERS), "a new module: add it to PYTHON_LAYERS"


@pytest.mark.parametrize("unit", PYTHON_LAYERS)
def test_a_python_module_imports_only_lower_layers(unit: str) -> None:
    allowed = PYTHON_LAYERS[unit] | {unit} | ({"_core"} if unit in CORE_USERS else set())
    wrong = [
        f"{found.place} imports {found.module}"
        for path in sources("infgram")
        if unit_of(path) == unit
        for found in imports(path, package_of(path))
        if target_of(found.module) not in {None, *allowed} or found.module.split(".")[0] == "service"
    ]
    assert wrong == []


def test_the_service_uses_relative_imports_and_public_names_of_infgram() -> None:
    public = {f"infgram.{name}" for name in infgram.__all__} | {"infgram"}
    wrong = []
    for path in sources("service"):
        package = f"infgram.{package_of(path)}"
        own = re.escape(package.split(".service")[0] + ".service")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        absolute = {name for name, _ in imports(path, "") if re.match(rf"{own}|service\b", name)}
        used = {name for name, _ in imports(path, package) if name.split(".")[0] == "infgram"}
        used |= {
            f"infgram.{node.attr}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "infgram"
        }
        outside = {name for name in used if not name.startswith("infgram.service")}
        wrong += [f"{path.relative_to(ROOT)} uses {name}" for name in sorted(absolute | (outside - public))]
    assert wrong == []


@pytest.mark.parametrize("package", HOMES)
def test_a_large_package_is_imported_in_one_place_only(package: str) -> None:
    wrong = [
        f"{found.place} imports {found.module}"
        for path in (*sources("infgram"), *sources("service"))
        if not path.relative_to(ROOT).as_posix().startswith(HOMES[package])
        for found in imports(path, package_of(path))
        if found.module.split(".")[0] == package
    ]
    assert wrong == []


def modules_after(statement: str) -> set[str]:
    """Return the modules that a new interpreter has imported after one statement."""
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout))


def test_importing_infgram_is_light() -> None:
    """Check for modules that take long to import, since times vary on busy machines."""
    new = modules_after("from infgram import *") - modules_after("import numpy, numpy.typing")
    heavy = {*HOMES, "asyncio", "multiprocessing", "ssl", "http", "urllib.request", "unittest", "pytest", "uvicorn"}
    assert {name for name in new if name in heavy or name.split(".")[0] in HOMES} == set()
    foreign = {name for name in new if name.split(".")[0] != "infgram"}
    assert len(foreign) < 80, sorted(foreign)


def test_a_name_is_imported_on_first_use() -> None:
    assert "numpy" not in modules_after("import infgram")
    assert "numpy" in modules_after("import infgram; infgram.open")
    function = "import infgram.files.disk, infgram.indexing.build; assert callable(infgram.build)"
    assert "infgram.indexing" in modules_after(function)
