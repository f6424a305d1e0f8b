"""
The native core of infgram: suffix arrays on disk and exact questions to them.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import os
import pathlib
import typing
__all__: list[str] = ['ByteAutomaton', 'Conjunction', 'ContextTree', 'Duplicates', 'FORMAT_VERSION', 'Index', 'LanguageModel', 'ModelSession', 'OLDEST_READABLE_FORMAT_VERSION', 'Session', 'ShardWriter', 'Vocabulary', 'checksum', 'evaluate_models', 'publish_folder', 'sort_shard', 'sync_folder', 'token_bits_for', 'verify_section', 'verify_shard']
class Index:
    """
    An open index: the union of the shards in some folders.
    """
    def __init__(self, folders: collections.abc.Sequence[os.PathLike | str | bytes], load: str = 'map', first_document: typing.SupportsInt | typing.SupportsIndex = 0) -> None:
        """
        Opens the shard folders: mapped, read at once (warm), or copied into memory (ram). Documents are numbered from first_document on.
        """
    def conjunction(self, clauses: collections.abc.Sequence[collections.abc.Sequence[typing.Any]], max_distance: typing.SupportsInt | typing.SupportsIndex | None) -> Conjunction:
        """
        Clauses of terms of token ids, none empty; no distance makes the document the scope.
        """
    def count(self, tokens: typing.Any) -> int:
        """
        Occurrences, exact.
        """
    def count_batch(self, queries: collections.abc.Sequence) -> numpy.typing.NDArray[numpy.int64]:
        """
        Occurrences of each query, int64.
        """
    def count_before(self, heads: typing.Any, tokens: typing.Any, begins: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], ends: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        (span numbers, head numbers, counts), int64: how often each head, a token, comes right before each tokens[begin:end]; only what occurs.
        """
    def count_spans(self, tokens: typing.Any, begins: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], ends: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]) -> numpy.typing.NDArray[numpy.int64]:
        """
        Occurrences of each tokens[begin:end], int64.
        """
    def document_count(self, tokens: typing.Any, progress: collections.abc.Callable[[int], None] | None = None) -> int:
        """
        Distinct documents with an occurrence; progress(n_read) now and then.
        """
    def document_metadata(self, documents: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> list[tuple[bytes, bytes | None, int]]:
        """
        For each document (metadata as JSON bytes, name of its file, line); the name is empty if the metadata have it as `path`, and None in an index that keeps no sources; the line is 0 for none.
        """
    def document_tokens(self, document: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
        """
        The document's token ids, int64.
        """
    def duplicates(self, min_tokens: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex, progress: collections.abc.Callable[[int], None] | None = None) -> Duplicates:
        """
        Passages of min_tokens tokens or more that stand earlier, too; progress(suffixes done).
        """
    def find(self, tokens: typing.Any) -> list[tuple[int, int]]:
        """
        The suffix range [lo, hi) in each shard.
        """
    def infgram(self, context: typing.Any, min_count: typing.SupportsInt | typing.SupportsIndex = 1, top_k: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[int, tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], int, int]]:
        """
        (suffix length, rows as of next_tokens) after the longest suffix.
        """
    def infgram_counts(self, context: typing.Any, row: typing.SupportsInt | typing.SupportsIndex, min_count: typing.SupportsInt | typing.SupportsIndex = 1) -> tuple[int, int, int, bool]:
        """
        (suffix length, context count, continuation count, is sparse) of one next token.
        """
    def locate(self, tokens: typing.Any, limit: typing.SupportsInt | typing.SupportsIndex) -> list[tuple[int, int]]:
        """
        [(document, offset)] of the first occurrences in suffix order.
        """
    def locate_rank(self, shard: typing.SupportsInt | typing.SupportsIndex, rank: typing.SupportsInt | typing.SupportsIndex) -> tuple[int, int]:
        """
        (document, offset) of the suffix with this rank in a shard.
        """
    def longest_matches(self, tokens: typing.Any) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        (lengths, counts) int64 of the longest match that starts at each position.
        """
    def longest_suffix(self, context: typing.Any, min_count: typing.SupportsInt | typing.SupportsIndex = 1) -> tuple[int, int]:
        """
        (length, count) of the longest suffix that occurs min_count times.
        """
    def next_tokens(self, context: typing.Any, top_k: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], int, int]:
        """
        (token ids int64, counts int64, context count, distinct rows) after the whole context.
        """
    def read_window(self, document: typing.SupportsInt | typing.SupportsIndex, begin: typing.SupportsInt | typing.SupportsIndex, end: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
        """
        Token ids of a document, int64, from an offset to another or to its end.
        """
    def sample_documents(self, tokens: typing.Any, limit: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex, most_read: typing.SupportsInt | typing.SupportsIndex, before: typing.SupportsInt | typing.SupportsIndex = 0, total: typing.SupportsInt | typing.SupportsIndex | None = None) -> list[tuple[int, int]]:
        """
        [(document, offset)]: a seeded uniform sample of the documents that hold an occurrence; of more than most_read occurrences a sample of so many stand for all. In a part of a larger index: of `total` occurrences in all parts, of which `before` are in those before this one.
        """
    def score(self, tokens: typing.Any, end: bool = False, min_count: typing.SupportsInt | typing.SupportsIndex = 1) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        (suffix lengths, context counts, continuation counts) int64, one a position.
        """
    def sections(self) -> list[dict[str, tuple[int, int]]]:
        """
        One {file name: (size in bytes, payload checksum)} a shard.
        """
    def session(self, context: typing.Any, min_count: typing.SupportsInt | typing.SupportsIndex = 1) -> Session:
        """
        A session that begins with a context; one longest_suffix.
        """
    def verify(self, progress: collections.abc.Callable[[int], None] | None = None) -> None:
        """
        Checks every byte of the open shards, and that their suffix arrays are complete and sorted; progress(n_checked) now and then.
        """
    @property
    def n_documents(self) -> int:
        """
        Documents.
        """
    @property
    def n_shards(self) -> int:
        """
        Shards.
        """
    @property
    def n_tokens(self) -> int:
        """
        Tokens, separators not counted.
        """
    @property
    def token_bits(self) -> int:
        """
        The width of a stored token: 8, 16 or 32 bits.
        """
    @property
    def vocab_size(self) -> int:
        """
        Token ids go from 0 to vocab_size - 1.
        """
class Session:
    """
    The longest suffix of a context that grows.
    """
    def append(self, tokens: typing.Any) -> None:
        """
        Appends tokens.
        """
    def copy(self) -> Session:
        """
        An independent session in the same state.
        """
    def distribution(self, top_k: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[int, tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], int, int]]:
        """
        (suffix length, rows as of next_tokens) after the longest suffix.
        """
    def state(self) -> tuple[int, int, int]:
        """
        (suffix length, its count, tokens appended).
        """
    def suffix(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        The tokens of the suffix: int64.
        """
class Conjunction:
    """
    The AND of clauses, each the OR of terms; progress(n_read) is called now and then.
    """
    def counts(self) -> list[int]:
        """
        Occurrences of each clause.
        """
    def documents(self, progress: collections.abc.Callable[[int], None] | None = None) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        (documents ascending, occurrences in each, 1s) int64: every document with an occurrence.
        """
    def matches(self, document: typing.SupportsInt | typing.SupportsIndex, limit: typing.SupportsInt | typing.SupportsIndex, progress: collections.abc.Callable[[int], None] | None = None) -> tuple[int, list[tuple[int, int, int]]]:
        """
        (occurrences, [(clause, offset, length)]): a document's first occurrences, and what completes them.
        """
    def sampled_documents(self, size: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex, progress: collections.abc.Callable[[int], None] | None = None, before: typing.SupportsInt | typing.SupportsIndex = 0, total: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        The same for a sample of the first clause's occurrences; the third array says whether the document's first is among those counted. In a part of a larger index: of `total` occurrences, `before` before this part's.
        """
class ShardWriter:
    """
    Writes every section of a shard but the suffix array.
    """
    def __init__(self, folder: os.PathLike | str | bytes, vocab_size: typing.SupportsInt | typing.SupportsIndex, token_bits: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Token ids go from 0 to vocab_size - 1; token_bits is 8, 16 or 32.
        """
    def add_documents(self, token_ids: numpy.typing.NDArray[numpy.uint32], lengths: numpy.typing.NDArray[numpy.int64], metadata: collections.abc.Sequence[bytes], sources: collections.abc.Sequence[bytes], lines: numpy.typing.NDArray[numpy.int64]) -> None:
        """
        Appends documents: their ids end to end (uint32), their lengths (int64), their metadata (JSON bytes), the names of their files (bytes; empty for none), their lines (int64; 0 for none).
        """
    def finish(self) -> None:
        """
        Publishes the files.
        """
    @property
    def n_documents(self) -> int:
        """
        Documents so far.
        """
    @property
    def n_tokens(self) -> int:
        """
        Tokens so far.
        """
class ContextTree:
    """
    The contexts met so far in an index.
    """
    jelinek_mercer_shape: typing.ClassVar[tuple] = (12, 24)
    def __init__(self, index: Index, memory_bytes: typing.SupportsInt | typing.SupportsIndex, few_places: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Forgets what it knows when its rows take more than memory_bytes; does not keep contexts of few places.
        """
    def features(self, tokens: typing.Any, lengths: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        Of every token but the first (suffix lengths; context counts, distinct rows, continuation counts and those of the likeliest row at the longest suffix; the same at each length, row by row): int64.
        """
    def fit_jelinek_mercer(self, documents: collections.abc.Iterable, order: typing.SupportsInt | typing.SupportsIndex, min_count: typing.SupportsInt | typing.SupportsIndex, n_rounds: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
        """
        Weights by length and count from documents of token ids: float64.
        """
    def survey(self, n_threads: typing.SupportsInt | typing.SupportsIndex, progress: collections.abc.Callable[[int], None] | None = None) -> None:
        """
        Counts the n-grams that Kneser-Ney discounts are estimated from, unless that was done; calls back with the suffixes done.
        """
class LanguageModel:
    """
    A smoothed model over the contexts of a tree.
    """
    def __init__(self, tree: ContextTree, smoothing: str, order: typing.SupportsInt | typing.SupportsIndex, min_count: typing.SupportsInt | typing.SupportsIndex, end_token: typing.SupportsInt | typing.SupportsIndex | None, weights: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]) -> None:
        """
        Order 0 is none; weights are those of Jelinek-Mercer.
        """
class ModelSession:
    """
    A context that grows, for a model.
    """
    def __init__(self, model: LanguageModel, context: typing.Any) -> None:
        ...
    def append(self, tokens: typing.Any) -> None:
        """
        Adds tokens to the context.
        """
    def copy(self) -> ModelSession:
        """
        An independent session in the same state.
        """
    def distribution(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        The probabilities of all tokens and, last, of the document's end unless a token has it: float64.
        """
    def log_prob(self, row: typing.SupportsInt | typing.SupportsIndex) -> float:
        """
        The log-probability of a row in nats.
        """
class Duplicates:
    """
    The passages of an index that stand earlier in it, too.
    """
    def ranges(self, first: typing.SupportsInt | typing.SupportsIndex, last: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        (documents, begins, ends) int64: token offsets of the duplicates in the documents [first, last).
        """
class ByteAutomaton:
    """
    Recognises texts byte by byte; state 0 is before the first.
    """
    def __init__(self, next_states: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], accept: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        next_states[state, byte] is the state after one more byte, or -1; `accept` is the state after the text.
        """
class Vocabulary:
    """
    The bytes of all tokens, to be read by automata over bytes.
    """
    def __init__(self, data: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8], starts: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]) -> None:
        """
        Token i has the bytes data[starts[i]:starts[i + 1]].
        """
    def steps_after(self, automaton: ByteAutomaton, state: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        The same for tokens that are read from their first byte on, in a state.
        """
    def steps_inside(self, automaton: ByteAutomaton) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        (tokens, begins, states, is_whole), int64: what is read of tokens from any of their bytes on, if it finishes the text (the accepting state) or reaches the token's end inside it.
        """
def checksum(data: bytes) -> int:
    """
    XXH64 of the bytes.
    """
def evaluate_models(models: collections.abc.Sequence[LanguageModel], entropies: collections.abc.Sequence[bool], guesses: collections.abc.Sequence[typing.Any], tokens: typing.Any, end: bool) -> list[tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]]:
    """
    (log-probabilities, entropies, log-probabilities of the guesses) of each model for every token but the first and, with `end`, for the document's end; float64, nats. The models are of one tree; a flag each says whether it has entropies. A model's guesses are further tokens, as many at each position, or none.
    """
def publish_folder(finished: os.PathLike | str | bytes, target: os.PathLike | str | bytes) -> pathlib.Path:
    """
    Gives a finished folder its name in one step; what stood there takes the other name.
    """
def sort_shard(folder: os.PathLike | str | bytes, n_threads: typing.SupportsInt | typing.SupportsIndex, memory_bytes: typing.SupportsInt | typing.SupportsIndex, progress: collections.abc.Callable[[int], None] | None = None) -> None:
    """
    Writes the suffix array of a finished shard; progress(n_sorted) now and then.
    """
def sync_folder(folder: os.PathLike | str | bytes) -> None:
    """
    Flushes a folder's entries to the disk.
    """
def token_bits_for(vocab_size: typing.SupportsInt | typing.SupportsIndex) -> int:
    """
    The token width a vocabulary takes.
    """
def verify_section(file: os.PathLike | str | bytes) -> None:
    """
    Checks every byte of one file of a shard against its checksum.
    """
def verify_shard(folder: os.PathLike | str | bytes, progress: collections.abc.Callable[[int], None] | None = None) -> None:
    """
    Checks every byte of a shard, and that its suffix array is complete and sorted.
    """
FORMAT_VERSION: int = 3
OLDEST_READABLE_FORMAT_VERSION: int = 1
__version__: str = '0.1.0'
