"""The machine that a plan is made for: one of a table, or a JSON file."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from infgram.errors import InputError, QueryError


@dataclass(frozen=True)
class Machine:
    """One of many equal machines.

    Attributes:
        name: as it is shown.
        vcpus: hardware threads.
        memory_bytes: of main memory.
        disk_bytes: of fast local disk.
        disk_bytes_per_s: that this disk reads or writes in sequence.
        network_bytes_per_s: to and from the object storage.
        dollars_per_hour: its price while it is held.
        speed: of one vCPU, as a multiple of one of the machine on which the constants were measured.
        losses_per_hour: how often it is lost, as a spot machine is taken back; the work in hand is then repeated.
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
        """Check.

        Raises:
            QueryError: a number is none, or out of range.
        """
        if not isinstance(self.name, str) or not self.name:
            raise QueryError(f"a machine's name is {self.name!r}; expected a text")
        for name, value in asdict(self).items():
            if name == "name":
                continue
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            least = 0 if name in ("losses_per_hour", "dollars_per_hour") else 1e-9
            if not is_number or value < least or (name == "vcpus" and value != int(value)):
                expected = (
                    "a whole number above 0"
                    if name == "vcpus"
                    else f"a number {'of at least' if least == 0 else 'above'} 0"
                )
                raise QueryError(f"{name} of machine {self.name} is {value!r}; expected {expected}")


_GIB: Final = 1 << 30

DEFAULT_MACHINE: Final = "m6id.8xlarge"
MACHINES: Final = {
    machine.name: machine
    for machine in (
        # 12.5 Gbit/s of network; one NVMe disk. Prices: public list of us-east-1, Linux, by the hour.
        Machine("m6id.8xlarge", 32, 128 * _GIB, 1.9e12, 1.4e9, 1.5e9, 1.8984),
        # The same, when it is spare; a third of the list price is usual, not promised. Lost about once in 20 hours.
        Machine("m6id.8xlarge-spot", 32, 128 * _GIB, 1.9e12, 1.4e9, 1.5e9, 0.65, losses_per_hour=0.05),
        # Two vCPUs of 23.5 GiB, on which the constants were measured. The price is that of two of the vCPUs above.
        Machine("epyc-2-cores", 2, 23.5 * _GIB, 250e9, 1.0e9, 1.0e9, 0.1187),
    )
}


def machine_of(name: str | os.PathLike[str]) -> Machine:
    """A machine of the table by its name, or one in a JSON file: an object with the fields of `Machine`.

    A file may name under `"like"` a machine of the table, whose fields stand for those that it lacks.

    Raises:
        QueryError: there is no such name or file, or a field is wrong.
        InputError: the file cannot be read, or holds no JSON object.
    """
    known = MACHINES.get(os.fspath(name))
    if known is not None:
        return known
    path = Path(name)
    if not path.is_file():
        raise QueryError(f"there is no machine {os.fspath(name)!r}; expected {', '.join(MACHINES)}, or a JSON file")
    try:
        given = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path} is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise InputError(f"{path} holds no JSON object; expected one with the fields {', '.join(_names())}")
    return _machine(given, path)


def _machine(given: dict[str, object], path: Path) -> Machine:
    like = given.pop("like", None)
    if like is not None and not (isinstance(like, str) and like in MACHINES):
        raise QueryError(f"{path}: there is no machine {like!r} to be like; expected {', '.join(MACHINES)}")
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
