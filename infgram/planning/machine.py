"""The kind of machine that a plan uses: one of a table, or a JSON file."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from infgram.errors import InputError, QueryError


@dataclass(frozen=True)
class Machine:
    """A kind of machine.

    Attributes:
        name: shown in the plan.
        vcpus: hardware threads.
        memory_bytes: main memory.
        disk_bytes: fast local disk.
        disk_bytes_per_s: sequential bandwidth of this disk.
        network_bytes_per_s: bandwidth to and from the object storage.
        dollars_per_hour: price of the machine.
        speed: of one vCPU, relative to the machine on which the constants were measured.
        losses_per_hour: rate at which a machine is lost, as when a spot machine is reclaimed; its tasks are repeated.
    """

    name: str
    vcpus: int
    memory_bytes: float
    disk_bytes: float
    disk_bytes_per_s: float
    network_bytes_per_s: float
    dollars_per_hour: float
    speed: float = 1.0
    losses_per_hour: float = 0.001

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            QueryError: a field is not a number, or out of range.
        """
        if not isinstance(self.name, str) or not self.name:
            raise QueryError(f"a machine's name is {self.name!r}; expected a non-empty string")
        for field in fields(self)[1:]:
            _check_number(self.name, field.name, getattr(self, field.name))


def _check_number(machine: str, name: str, value: Any) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    may_be_zero = name in ("losses_per_hour", "dollars_per_hour")
    if not is_number or value < (0 if may_be_zero else 1e-9) or (name == "vcpus" and value != int(value)):
        kind = "an integer" if name == "vcpus" else "a number"
        expected = f"{kind} {'of at least' if may_be_zero else 'above'} 0"
        raise QueryError(f"{name} of machine {machine} is {value!r}; expected {expected}")


_GIB: Final = 1 << 30

DEFAULT_MACHINE: Final = "m6id.8xlarge"
MACHINES: Final = {
    machine.name: machine
    for machine in (
        # 12.5 Gbit/s of network, one NVMe disk; the public hourly price of us-east-1 for Linux.
        Machine("m6id.8xlarge", 32, 128 * _GIB, 1.9e12, 1.4e9, 1.5e9, 1.8984),
        # The same as a spot machine: about a third of the price, which varies, and lost about once in 20 hours.
        Machine("m6id.8xlarge-spot", 32, 128 * _GIB, 1.9e12, 1.4e9, 1.5e9, 0.65, losses_per_hour=0.05),
        # The machine on which the constants were measured, at the price of two of the vCPUs above.
        Machine("epyc-2-cores", 2, 23.5 * _GIB, 250e9, 1.0e9, 1.0e9, 0.1187),
    )
}


def machine_of(name: str | os.PathLike[str]) -> Machine:
    """Return a machine of the table by its name, or read one from a JSON file: an object with the fields of `Machine`.

    A file may name a machine of the table under `"like"`, which supplies the fields that the file omits.

    Raises:
        QueryError: there is no such name or file, or a field is wrong.
        InputError: the file cannot be read, or is not a JSON object.
    """
    known = MACHINES.get(os.fspath(name))
    if known is not None:
        return known
    path = Path(name)
    if not path.is_file():
        raise QueryError(f"unknown machine {os.fspath(name)!r}; expected {', '.join(MACHINES)}, or a JSON file")
    try:
        given = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    if not isinstance(given, dict):
        raise InputError(f"{path} is not a JSON object; expected one with the fields {', '.join(_names())}")
    return _machine(given, path)


def _machine(given: dict[str, object], path: Path) -> Machine:
    like = given.pop("like", None)
    if like is not None and not (isinstance(like, str) and like in MACHINES):
        raise QueryError(f"{path}: unknown machine {like!r} in 'like'; expected {', '.join(MACHINES)}")
    merged: dict[str, object] = {
        **(asdict(MACHINES[str(like)]) if like is not None else {}),
        "name": path.stem,
        **given,
    }
    unknown = sorted(merged.keys() - set(_names()))
    missing = [name for name in _names() if name not in merged and name not in ("speed", "losses_per_hour")]
    if unknown or missing:
        wrong = f"has an unknown field {unknown[0]!r}" if unknown else f"lacks the field {missing[0]!r}"
        raise QueryError(f"{path} {wrong}; expected {', '.join(_names())}, or like")
    return Machine(**merged)  # type: ignore[arg-type]  # __post_init__ checks them


def _names() -> list[str]:
    return [field.name for field in fields(Machine)]
