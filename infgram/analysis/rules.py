"""Rules that decide whether an item of a test set is contaminated, including those of the literature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from infgram.arguments import at_least, choice, real
from infgram.reprs import ShortRepr

if TYPE_CHECKING:
    from infgram.analysis.overlap import SizeOverlap

Measure: TypeAlias = Literal["n_grams", "tokens"]

DEFAULT_N: Final = 13
SAMPLES: Final = 3  # random pieces of an item that the rule gpt-4 compares


@dataclass(frozen=True)
class OverlapRule(ShortRepr):
    """A rule for contamination: enough of the n-grams of an item occur in the corpus, and at least one does.

    Attributes:
        n: the size of the n-grams in units.
        threshold: the minimum share, from 0 to 1; 0 means any n-gram.
        measure: the share to compare: of the `"n_grams"` that occur in the corpus, or of the `"tokens"` inside such
            n-grams.
        unit: the unit of n: `"tokens"` of the index; `"words"` in lower case without punctuation; or `"characters"`,
            which are letters and digits only.
        name: the name in `OVERLAP_RULES`; `"after palm, changed"` for a modified rule; empty for any other rule.
    """

    n: int = DEFAULT_N
    threshold: float = 0.0
    measure: Measure = "n_grams"
    unit: Literal["tokens", "words", "characters"] = "tokens"
    name: str = ""

    def __str__(self) -> str:
        """Return a description of the rule."""
        unit = self.unit.removesuffix("s")
        if self.unit == "characters":
            share = "any" if self.threshold == 0 else f"at least {self.threshold:.0%}"
            words = f"{share} of {SAMPLES} random pieces of {self.n} letters and digits"
        elif self.threshold == 0:
            words = f"any {self.n}-gram of {self.unit}"
        elif self.measure == "n_grams":
            words = f"at least {self.threshold:.0%} of the {unit} {self.n}-grams"
        else:
            words = f"at least {self.threshold:.0%} of the tokens inside {self.n}-grams"
        return f"{words} in the corpus" + (f" ({self.name})" if self.name else "")

    def __post_init__(self) -> None:
        """Check the fields.

        Raises:
            QueryError: a field is out of range.
        """
        at_least(self.n, 1, "n")
        choice(self.measure, "measure", get_args(Measure))
        real(self.threshold, "threshold", low=0, high=1)

    def is_contaminated(self, shares: SizeOverlap) -> bool:
        """Return whether an item with this overlap is contaminated."""
        share = shares.share if self.measure == "n_grams" else shares.token_share
        return shares.n_seen > 0 and share >= self.threshold


OVERLAP_RULES: Final[Mapping[str, OverlapRule]] = MappingProxyType(
    {
        # Brown et al., "Language models are few-shot learners", 2020, appendix C: an example is removed if any of its
        # n-grams of words, or the whole example if it is shorter, occurs in the training set. Case, punctuation and
        # white space are ignored; n is the 5th percentile of the examples' lengths in words, limited to 8 to 13.
        "gpt-3": OverlapRule(13, 0.0, "n_grams", "words", "gpt-3"),
        # Chowdhery et al., "PaLM: Scaling language modeling with Pathways", 2022, section 8: at least 70% of the
        # 8-grams occur in the training data. The paper does not state the unit of the 8-grams; here, tokens.
        "palm": OverlapRule(8, 0.7, "n_grams", "tokens", "palm"),
        # Touvron et al., "Llama 2: Open foundation and fine-tuned chat models", 2023, A.6: the share of tokens inside
        # runs shared with the training data; "dirty" from 80% on, "not clean" from 20% on. The paper says "longer than
        # 10 tokens" in one place and "10(+)-skipgrams" in another; here, 10 or more. The paper's runs may differ in
        # four tokens (a skipgram budget), but not in the first ten or at the end; here, runs match exactly.
        "llama-2": OverlapRule(10, 0.8, "tokens", "tokens", "llama-2"),
        # OpenAI, "GPT-4 technical report", 2023, appendix C: any of three random substrings of 50 characters, or the
        # whole example if it is shorter, after removing everything but letters and digits.
        "gpt-4": OverlapRule(50, 0.0, "n_grams", "characters", "gpt-4"),
    }
)
"""The rules of the literature, by name."""
