// A look at a sorted shard that makes its directory and its stored continuations.
#pragma once

#include <cstdint>
#include <vector>

#include "index/continuations.hpp"
#include "storage/packed_array.hpp"
#include "suffix/suffix_sort.hpp"
#include "suffix/text.hpp"

namespace infgram {

// What the sections `directory.bin`, `stored_contexts.bin` and `continuations.bin` hold. It follows from the text and
// its suffix array alone.
struct Survey {
  std::vector<std::uint64_t> directory;  // the keys of every kSampleStep-th suffix, after their top
  std::vector<StoredContext> contexts;   // ascending by (depth, lo)
  std::vector<std::byte> continuations;  // their rows, in order
};

// Stored are the contexts that most different rows follow among the suffixes of every kSampleStep-th rank, at least
// kFewestSampledRows of them and up to kLongestStoredContext tokens, as many as fit into
// text.size / kTokensPerStoredByte bytes (equal ones by depth, then rank).
// Cost: O(n / kSampleStep) random reads, many of them under way, and index/row_reader.hpp for the contexts stored;
// memory for the result.
// REQUIRES a complete, sorted array. Throws IndexDamagedError for a position beyond the text; what `progress` throws.
[[nodiscard]] Survey survey(const AnyText& text, const PackedArray& suffix_array, const PackedArray& first_token_starts,
                            std::size_t n_threads, const SortProgress& progress);

}  // namespace infgram
