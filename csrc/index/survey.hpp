// One pass over a sorted shard that makes its directory and its stored continuations.
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
  std::vector<std::uint64_t> keys;       // of every kSampleStep-th suffix from its second token on
  std::vector<StoredContext> contexts;   // ascending by (depth, lo)
  std::vector<std::byte> continuations;  // their rows, in order
};

// Stored are the contexts of most different rows, at least kFewestStoredRows of them and up to kLongestStoredContext
// tokens, as many as fit into text.size / kTokensPerStoredByte bytes (equal ones by depth, then rank).
// Cost: O(n), a random read of the text a suffix and another where kFewestStoredRows suffixes share a key, many of them
// under way; memory for the result, and for the rows of every context with kFewestStoredRows of them.
// REQUIRES a complete, sorted array. Throws IndexDamagedError for a position beyond the text; what `progress` throws.
[[nodiscard]] Survey survey(const AnyText& text, const PackedArray& suffix_array, const PackedArray& first_token_starts,
                            std::size_t n_threads, const SortProgress& progress);

}  // namespace infgram
