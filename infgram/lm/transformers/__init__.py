"""Neural language models of the package `transformers`: evaluation, and interpolation with models of an index."""

from __future__ import annotations

from infgram.errors import MissingExtraError

try:
    import torch  # noqa: F401  # report both here, once, if they are missing
    import transformers  # noqa: F401
except ImportError as error:
    raise MissingExtraError(
        f"neural models need the packages torch and transformers ({error}); install them with: "
        "pip install 'infgram[lm]'"
    ) from error

from infgram.lm.transformers.interpolated import InterpolatedLM
from infgram.lm.transformers.logits import InfgramLogitsProcessor
from infgram.lm.transformers.model import TransformersLM

__all__ = ["InfgramLogitsProcessor", "InterpolatedLM", "TransformersLM"]
