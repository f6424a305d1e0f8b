"""When an item of a test set is contaminated: the rules of the literature, and others like them."""

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
SAMPLES: Final = 3  # pieces of an item, for the rule gpt-4


@dataclass(frozen=True)
class OverlapRule(ShortRepr):
    """When an item is contaminated: when enough of its n-grams occur in the corpus, and at least one does.

    Attributes:
        n: units of an n-gram.
        threshold: the least share, from 0 to 1; 0 is met by any n-gram.
        measure: of what: `"n_grams"`, those that occur in the corpus, or `"tokens"`, those inside such n-grams.
        unit: what n counts: the index's `"tokens"`; `"words"`, in lower case and without punctuation; or
            `"characters"`, letters and digits alone.
        name: of a rule of `OVERLAP_RULES`; `"after palm, changed"` of one that was changed; empty for any other.
    """

    n: int = DEFAULT_N
    threshold: float = 0.0
    measure: Measure = "n_grams"
    unit: Literal["tokens", "words", "characters"] = "tokens"
    name: str = ""

    def __str__(self) -> str:
        """The rule in words."""
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
            QueryError: one is out of range.
        """
        at_least(self.n, 1, "n")
        choice(self.measure, "measure", get_args(Measure))
        real(self.threshold, "threshold", low=0, high=1)

    def condemns(self, shares: SizeOverlap) -> bool:
        """The verdict on what was found for n-grams of this rule's size."""
        share = shares.share if self.measure == "n_grams" else shares.token_share
        return shares.n_seen > 0 and share >= self.threshold


OVERLAP_RULES: Final[Mapping[str, OverlapRule]] = MappingProxyType(
    {
        # Brown et al., "Language models are few-shot learners", 2020, appendix C: an example is removed for any n-gram
        # of words in the training set, or for the whole of it if it is shorter. Case, punctuation and white space are
        # ignored; n is the 5th percentile of the examples' lengths in words, but 8 at least and 13 at most.
        "gpt-3": OverlapRule(13, 0.0, "n_grams", "words", "gpt-3"),
        # Chowdhery et al., "PaLM: Scaling language modeling with Pathways", 2022, section 8: at least 70% of the
        # 8-grams occur in the training data. What an 8-gram counts is not said; here, tokens.
        "palm": OverlapRule(8, 0.7, "n_grams", "tokens", "palm"),
        # Touvron et al., "Llama 2: Open foundation and fine-tuned chat models", 2023, A.6: the share of tokens inside
        # runs that both hold; "dirty" from 80% on, "not clean" from 20% on. The paper says "longer than 10 tokens" in
        # one place and "10(+)-skipgrams" in another; here, 10 or more. Their runs may differ in four tokens (a skipgram
        # budget), neither in the first ten nor at the end; here they are exact.
        "llama-2": OverlapRule(10, 0.8, "tokens", "tokens", "llama-2"),
        # OpenAI, "GPT-4 technical report", 2023, appendix C: any of three random substrings of 50 characters, or the
        # whole example if it is shorter, after all but letters and digits are removed.
        "gpt-4": OverlapRule(50, 0.0, "n_grams", "characters", "gpt-4"),
    }
)
"""The rules of the literature, by name."""
