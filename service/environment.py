"""Check the environment variables of the settings: an unknown one is an error.

Otherwise a service whose `INFGRAM_API_KEYS_FILE` is misspelt would be open to everybody.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final, get_origin

from pydantic import BaseModel

PREFIX: Final = "INFGRAM_"
SEPARATOR: Final = "__"

CONFIG: Final = "INFGRAM_CONFIG"
"""The variable that names the file of --config."""

OTHERS: Final = frozenset({CONFIG, "INFGRAM_CACHE"})
"""Variables of infgram that are not settings of the service; a test checks that none is missing."""

_OF_KUBERNETES: Final = re.compile(r"\w*_SERVICE_(HOST|PORT(_\w+)?)|\w*_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?")
_URL_OF_KUBERNETES: Final = re.compile(r"(tcp|udp|sctp)://")
"""Variables that Kubernetes sets in every container for a Service whose name begins with `infgram`."""


def check(settings: type[BaseModel]) -> None:
    """Refuse variables that begin with `INFGRAM_` and match no setting.

    Args:
        settings: the model of the settings; fields that are models or mappings have nested settings.

    Raises:
        ValueError: names the variables and the most similar valid names.
    """
    found: dict[str, list[str]] = {}
    for name, value in os.environ.items():
        if name.upper().startswith(PREFIX) and not _is_of_kubernetes(name.upper(), value):
            found.setdefault(name.upper(), []).append(name)
    names = {*_names(settings), *OTHERS}
    inside = tuple(f"{PREFIX}{name}{SEPARATOR}".upper() for name in _nested(settings))
    problems = [
        f"there is no setting {name}{nearest(name, names)}"
        for name in found
        if name not in names and not name.startswith(inside)
    ]
    problems += [
        f"{' and '.join(sorted(same))} set the same setting; keep one" for same in found.values() if len(same) > 1
    ]
    if problems:
        raise ValueError(f"in the environment: {'; '.join(sorted(problems))}; correct or unset them")


def set_by_kubernetes() -> set[str]:
    """Return the variables, in lower case, that look like settings but are set by Kubernetes: `INFGRAM_PORT=tcp://…`."""
    return {name.lower() for name, value in os.environ.items() if _is_of_kubernetes(name.upper(), value)}


def variable_of(path: Iterable[object]) -> str | None:
    """Return the variable that sets a setting such as `("limits", "top_k")`, or a part of it; None if there is none."""
    parts = [str(part).upper() for part in path]
    candidates = {PREFIX + SEPARATOR.join(parts[:n]) for n in range(1, len(parts) + 1)}
    return next((name for name in os.environ if name.upper() in candidates), None)


def nearest(name: str, names: Iterable[str]) -> str:
    """Return "; did you mean …?" for the most similar name, or an empty string if none is similar."""
    near = get_close_matches(name, list(names), n=1, cutoff=0.7)
    return f"; did you mean {near[0]}?" if near else ""


def _names(settings: type[BaseModel]) -> Iterator[str]:
    """Yield the names of all settings, including nested ones."""
    for name, field in settings.model_fields.items():
        yield f"{PREFIX}{name}".upper()
        for inner in getattr(field.annotation, "model_fields", ()):
            yield f"{PREFIX}{name}{SEPARATOR}{inner}".upper()


def _nested(settings: type[BaseModel]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        kind = get_origin(field.annotation) or field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel | Mapping):
            yield name


def _is_of_kubernetes(name: str, value: str) -> bool:
    rest = name[len(PREFIX) - 1 :]
    return bool(_OF_KUBERNETES.fullmatch(rest) or (rest.endswith("_PORT") and _URL_OF_KUBERNETES.match(value)))
