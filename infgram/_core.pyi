"""
The native core of infgram: suffix arrays on disk, and exact queries on them.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import os
import pathlib
import typing
__all__: list[str] = ['ByteAutomaton', 'Conjunction', 'ContextTree', 'Duplicates', 'FORMAT_VERSION', 'Index', 'InfiniGramFiles', 'LanguageModel', 'ModelSession', 'OLDEST_READABLE_FORMAT_VERSION', 'Session', 'ShardState', 'ShardWriter', 'TokenStream', 'Vocabulary', 'checksum', 'evaluate_models', 'publish_folder', 'sort_shard', 'sync_folder', 'token_bits_for', 'verify_section', 'verify_shard', 'write_removals']
class ShardState:
    """
    Which files make up a shard, and how its documents are numbered.
    """
    def __init__(self, folder: os.PathLike | str | bytes, first_document: typing.SupportsInt | typing.SupportsIndex = 0, removals: typing.SupportsInt | typing.SupportsIndex = 0, has_numbers: bool = False) -> None:
        """
        The documents are numbered from first_document on, consecutively or with the gaps of document_numbers.bin. `removals` is the generation in the names of the removal files, 0 for none.
        """
    @property
    def first_document(self) -> int:
        ...
    @property
    def folder(self) -> pathlib.Path:
        ...
    @property
    def has_numbers(self) -> bool:
        ...
    @property
    def removals(self) -> int:
        ...
class InfiniGramFiles:
    """
    The files of one shard of an index that infini-gram made.
    """
    def __init__(self, folder: os.PathLike | str | bytes, suffix: str, token_bits: typing.SupportsInt | typing.SupportsIndex, has_metadata: bool) -> None:
        """
        The files are named folder/tokenized + suffix, and so on.
        """
class Index:
    """
    An open index: the union of some shards, without removed documents.
    """
    @staticmethod
    def open_infini_gram(shards: collections.abc.Sequence[InfiniGramFiles], vocab_size: typing.SupportsInt | typing.SupportsIndex, load: str = 'map') -> Index:
        """
        Open shards that infini-gram made, in place; with a vocab_size of 0 the largest token id determines it.
        """
    def __init__(self, shards: collections.abc.Sequence[ShardState], load: str = 'map') -> None:
        """
        Open shards whose document numbers ascend: mapped (map), mapped and loaded at once (warm), or copied into memory (ram).
        """
    def conjunction(self, clauses: collections.abc.Sequence[collections.abc.Sequence[typing.Any]], max_distance: typing.SupportsInt | typing.SupportsIndex | None) -> Conjunction:
        """
        The AND of clauses; each is a list of non-empty terms of token ids. Without max_distance the scope is the document.
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
        (span indices, head indices, counts), int64: how often each head, a token, directly precedes each tokens[begin:end]; positive counts only.
        """
    def count_spans(self, tokens: typing.Any, begins: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], ends: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]) -> numpy.typing.NDArray[numpy.int64]:
        """
        Occurrences of each tokens[begin:end], int64.
        """
    def document_count(self, tokens: typing.Any, progress: collections.abc.Callable[[int], None] | None = None) -> int:
        """
        Distinct documents with an occurrence; call progress(n_read) from time to time.
        """
    def document_ids(self, begin: typing.SupportsInt | typing.SupportsIndex, limit: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
        """
        The numbers of the first `limit` documents from the number `begin` on, ascending, int64.
        """
    def document_length(self, document: typing.SupportsInt | typing.SupportsIndex) -> int:
        """
        The number of tokens of a document.
        """
    def document_metadata(self, documents: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> list[tuple[bytes, bytes | None, int]]:
        """
        For each document (metadata as JSON bytes, name of its file, line). An empty name means the `path` in the metadata, and None an index without sources. Line 0 is unknown. Line -1 means that the metadata are a line of infini-gram, which contains file and line.
        """
    def document_tokens(self, document: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
        """
        The document's token ids, int64.
        """
    def duplicates(self, min_tokens: typing.SupportsInt | typing.SupportsIndex, n_threads: typing.SupportsInt | typing.SupportsIndex, progress: collections.abc.Callable[[int], None] | None = None) -> Duplicates:
        """
        Find the passages of min_tokens tokens or more that repeat an earlier one; call progress(n_suffixes).
        """
    def find(self, tokens: typing.Any) -> list[tuple[int, int]]:
        """
        The suffix range [lo, hi) in each shard.
        """
    def infgram(self, context: typing.Any, min_count: typing.SupportsInt | typing.SupportsIndex = 1, top_k: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[int, tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], int, int]]:
        """
        (suffix length, result of next_tokens) after the longest suffix.
        """
    def infgram_counts(self, context: typing.Any, next_token: typing.SupportsInt | typing.SupportsIndex, min_count: typing.SupportsInt | typing.SupportsIndex = 1) -> tuple[int, int, int, bool]:
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
        (token ids int64, counts int64, context count, distinct next tokens) after the whole context.
        """
    def read_window(self, document: typing.SupportsInt | typing.SupportsIndex, begin: typing.SupportsInt | typing.SupportsIndex, end: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
        """
        Token ids of a document in [begin, end), clipped to its length, int64.
        """
    def sample_documents(self, tokens: typing.Any, limit: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex, most_read: typing.SupportsInt | typing.SupportsIndex, before: typing.SupportsInt | typing.SupportsIndex = 0, total: typing.SupportsInt | typing.SupportsIndex | None = None) -> list[tuple[int, int]]:
        """
        [(document, offset)]: a seeded uniform sample of the documents with an occurrence, from a sample of most_read occurrences if there are more. In a part of a larger index: `total` occurrences in all parts, `before` of them in earlier parts.
        """
    def score(self, tokens: typing.Any, end: bool = False, min_count: typing.SupportsInt | typing.SupportsIndex = 1) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        (suffix lengths, context counts, continuation counts) int64, one per position.
        """
    def sections(self) -> list[dict[str, tuple[int, int]]]:
        """
        One {file name: (size in bytes, payload checksum)} per shard.
        """
    def session(self, context: typing.Any, min_count: typing.SupportsInt | typing.SupportsIndex = 1) -> Session:
        """
        Start a session with a context.
        """
    def token_stream(self) -> TokenStream:
        """
        Return the stream of all tokens.
        """
    def verify(self, progress: collections.abc.Callable[[int], None] | None = None) -> None:
        """
        Check every byte of the open shards, and that their suffix arrays are complete and sorted; call progress(n_checked) from time to time.
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
        Tokens, without separators.
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
    The longest suffix of a growing context.
    """
    def append(self, tokens: typing.Any) -> None:
        """
        Append tokens.
        """
    def copy(self) -> Session:
        """
        An independent session in the same state.
        """
    def distribution(self, top_k: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[int, tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], int, int]]:
        """
        (suffix length, result of next_tokens) after the longest suffix.
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
    The AND of clauses, each the OR of terms. Methods call progress(n_read) from time to time.
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
        (occurrences, [(clause, offset, length)]): a document's first occurrences and the matches that complete them.
        """
    def sampled_documents(self, size: typing.SupportsInt | typing.SupportsIndex, seed: typing.SupportsInt | typing.SupportsIndex, progress: collections.abc.Callable[[int], None] | None = None, before: typing.SupportsInt | typing.SupportsIndex = 0, total: typing.SupportsInt | typing.SupportsIndex | None = None) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        The same for a sample of the first clause's occurrences; the third array tells whether a document's first occurrence is among those counted. In a part of a larger index: `total` occurrences in all parts, `before` of them in earlier parts.
        """
class ShardWriter:
    """
    Write every section of a shard that does not depend on its suffix array.
    """
    def __init__(self, folder: os.PathLike | str | bytes, vocab_size: typing.SupportsInt | typing.SupportsIndex, token_bits: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Token ids go from 0 to vocab_size - 1; token_bits is 8, 16 or 32.
        """
    def add_documents(self, token_ids: numpy.typing.NDArray[numpy.uint32], lengths: numpy.typing.NDArray[numpy.int64], metadata: collections.abc.Sequence[bytes], sources: collections.abc.Sequence[bytes], lines: numpy.typing.NDArray[numpy.int64]) -> None:
        """
        Append documents: their concatenated token ids (uint32), their lengths (int64), their metadata (JSON bytes), the names of their files (bytes; empty for none), their lines (int64; 0 for none).
        """
    def finish(self, document_numbers: typing.Annotated[numpy.typing.ArrayLike, numpy.int64] | None = None) -> None:
        """
        Publish the files. The numbers of the documents in the index are written unless they are consecutive (None).
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
    def __init__(self, index: Index, memory_bytes: typing.SupportsInt | typing.SupportsIndex, few_occurrences: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Keeps contexts in about memory_bytes at most, except those of up to few_occurrences occurrences.
        """
    def features(self, tokens: typing.Any, lengths: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        For every token but the first (suffix lengths; context counts, distinct next tokens, continuation counts and counts of the most frequent next token at the longest suffix; the same at each length): int64.
        """
    def fit_jelinek_mercer(self, documents: collections.abc.Iterable, order: typing.SupportsInt | typing.SupportsIndex, min_count: typing.SupportsInt | typing.SupportsIndex, n_rounds: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
        """
        Weights by class of length and class of count, fitted to documents of token ids: float64.
        """
    def survey(self, n_threads: typing.SupportsInt | typing.SupportsIndex, progress: collections.abc.Callable[[int], None] | None = None) -> None:
        """
        Count the n-grams that Kneser-Ney discounts are estimated from, on the first call; call progress(n_suffixes).
        """
class LanguageModel:
    """
    A smoothed model over the contexts of a tree.
    """
    def __init__(self, tree: ContextTree, smoothing: str, order: typing.SupportsInt | typing.SupportsIndex, min_count: typing.SupportsInt | typing.SupportsIndex, end_token: typing.SupportsInt | typing.SupportsIndex | None, weights: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]) -> None:
        """
        Order 0 is unbounded; the weights are for Jelinek-Mercer.
        """
class ModelSession:
    """
    A growing context, for a model.
    """
    def __init__(self, model: LanguageModel, context: typing.Any) -> None:
        ...
    def append(self, tokens: typing.Any) -> None:
        """
        Append tokens to the context.
        """
    def copy(self) -> ModelSession:
        """
        An independent session in the same state.
        """
    def distribution(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        The probabilities of all tokens and, last, of the end of the document unless a token includes it: float64.
        """
    def log_prob(self, next_token: typing.SupportsInt | typing.SupportsIndex) -> float:
        """
        The log-probability of a next token, in nats.
        """
class Duplicates:
    """
    The passages of an index that repeat an earlier one.
    """
    def ranges(self, first: typing.SupportsInt | typing.SupportsIndex, last: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        (documents, begins, ends) int64: token offsets of the duplicates in the documents with numbers in [first, last).
        """
class TokenStream:
    """
    All documents in the order of their numbers, each followed by an end-of-text id.
    """
    def __len__(self) -> int:
        ...
    def read_rows(self, begins: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], length: typing.SupportsInt | typing.SupportsIndex, end_of_text: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
        """
        Return the ids [begin, begin + length) of each begin: int64 of shape (begins, length). Beyond the end of the stream, the id is end_of_text.
        """
class ByteAutomaton:
    """
    Recognizes texts byte by byte; state 0 is before the first.
    """
    def __init__(self, next_states: typing.Annotated[numpy.typing.ArrayLike, numpy.int32], accept: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        next_states[state, byte] is the state after one more byte, or -1; `accept` is the state after the text.
        """
class Vocabulary:
    """
    The bytes of all tokens, to be read by automata.
    """
    def __init__(self, data: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8], starts: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]) -> None:
        """
        Token i has the bytes data[starts[i]:starts[i + 1]].
        """
    def steps_after(self, automaton: ByteAutomaton, state: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        The same for the tokens that can come next in a state.
        """
    def steps_inside(self, automaton: ByteAutomaton) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]:
        """
        (tokens, begins, states, is_whole), int64: the tokens in which the text can begin, at any byte, with the state after their last byte that was read.
        """
def checksum(data: bytes) -> int:
    """
    XXH64 of the bytes.
    """
def evaluate_models(models: collections.abc.Sequence[LanguageModel], entropies: collections.abc.Sequence[bool], guesses: collections.abc.Sequence[typing.Any], tokens: typing.Any, end: bool) -> list[tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]]:
    """
    (log-probabilities, entropies, log-probabilities of the guesses) of each model for every token but the first and, with `end`, for the end of the document; float64, in nats. The models share one tree; `entropies` has a flag per model. Guesses are further tokens to predict, equally many per position, or none.
    """
def publish_folder(finished: os.PathLike | str | bytes, target: os.PathLike | str | bytes) -> pathlib.Path:
    """
    Rename a finished folder to its target atomically; return the path of the folder it replaced, or an empty path.
    """
def sort_shard(folder: os.PathLike | str | bytes, n_threads: typing.SupportsInt | typing.SupportsIndex, memory_bytes: typing.SupportsInt | typing.SupportsIndex, progress: collections.abc.Callable[[int], None] | None = None) -> None:
    """
    Write the suffix array of a finished shard; call progress(n_sorted) from time to time.
    """
def sync_folder(folder: os.PathLike | str | bytes) -> None:
    """
    Flush a folder's entries to disk.
    """
def token_bits_for(vocab_size: typing.SupportsInt | typing.SupportsIndex) -> int:
    """
    The token width for a vocabulary, in bits.
    """
def verify_section(file: os.PathLike | str | bytes) -> None:
    """
    Check every byte of a file of a shard against its checksum.
    """
def verify_shard(folder: os.PathLike | str | bytes, progress: collections.abc.Callable[[int], None] | None = None) -> None:
    """
    Check every byte of a shard, and that its suffix array is complete and sorted.
    """
def write_removals(shard: ShardState, documents: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], generation: typing.SupportsInt | typing.SupportsIndex, progress: collections.abc.Callable[[int], None] | None = None) -> tuple[int, int]:
    """
    Write the removal files of a generation: `documents` are the numbers in the shard of all removed documents, ascending, earlier ones included. Return (removed documents, removed tokens); call progress(n_read).
    """
FORMAT_VERSION: int = 3
OLDEST_READABLE_FORMAT_VERSION: int = 1
__version__: str = '0.1.0'
