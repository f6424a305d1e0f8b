"""`cached_property` without a lock."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or sys.version_info >= (3, 12):
    from functools import cached_property
else:

    class cached_property(functools.cached_property):  # the name of the standard library
        """As of Python 3.12. Before, all instances shared a lock, which the child of a fork could find locked forever.

        Two threads that first read a property at the same moment both compute it.
        """

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            """Return the value, which is computed once."""
            if instance is None:
                return self
            values = instance.__dict__
            if self.attrname not in values:
                values[self.attrname] = self.func(instance)
            return values[self.attrname]


__all__ = ["cached_property"]
