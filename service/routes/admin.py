"""What only the keeper of the service may do."""

from __future__ import annotations

from fastapi import APIRouter

from ..answers import ReloadAnswer
from ..dependencies import AppRuntime
from ..problems import KINDS, ProblemError, refusals
from ..runtime import NotReloadedError

router = APIRouter(prefix="/v1/admin", tags=["admin"])


@router.post(
    "/reload",
    operation_id="reload",
    summary="Serve what now stands on the disk",
    responses=refusals(401, 403, 429, 503),
)
async def reload(runtime: AppRuntime) -> ReloadAnswer:
    """Open the indexes anew whose folders were replaced, and the file of keys; answers under way are not disturbed.

    If one cannot be opened, all stay as they are, and the answer to an admin key has the reason. With several workers
    the others follow at once.
    """
    try:
        replaced = await runtime.reload()
    except NotReloadedError as error:
        # With keys, who asks is the keeper. Without, it may be anybody, who is not told the paths of this machine.
        reason = f"Reason: {error}." if runtime.keys is not None else "The log of the service has the reason."
        raise ProblemError("not_loaded", f"{KINDS['not_loaded'].detail} {reason}") from error
    runtime.worker.tell_others()
    return ReloadAnswer(reloaded=replaced, unchanged=[name for name in runtime.indexes if name not in replaced])
