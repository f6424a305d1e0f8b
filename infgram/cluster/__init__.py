"""Past one machine: building and serving on a cluster, from object storage."""

from __future__ import annotations
