// Computes the directory and the stored continuations of a sorted shard.
#pragma once

#include <cstdint>
#include <vector>

#include "index/continuations.hpp"
#include "storage/packed_array.hpp"
#include "suffix/suffix_sort.hpp"
#include "suffix/text.hpp"

namespace infgram {

// The contents of `directory.bin`, `stored_contexts.bin` and `continuations.bin`. They are a function of the text and
// its suffix array.
struct Survey {
  std::vector<std::uint64_t> directory;  // the top level, then the keys of every kSampleStep-th suffix
  std::vector<StoredContext> contexts;   // ascending by (depth, lo)
  std::vector<std::byte> continuations;  // their next tokens, in the same order
};

// Computes the directory, and selects the contexts to store (storage/format.hpp, kMinSampledNextTokens; ties are broken
// by depth, then by rank).
// Cost: O(n / kSampleStep) random reads, many in flight, and index/next_token_reader.hpp for the stored contexts;
// memory for the result. REQUIRES at least one token id. Throws IndexDamagedError for a position beyond the text, and
// where it meets suffixes that are not sorted; throws what `progress` throws.
[[nodiscard]] Survey survey(const AnyText& text, const PackedArray& suffix_array, const PackedArray& first_token_starts,
                            std::size_t n_threads, const SortProgress& progress);

}  // namespace infgram
