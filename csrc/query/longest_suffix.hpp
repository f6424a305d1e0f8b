// The longest suffix of a context that occurs often enough: the heart of the ∞-gram.
#pragma once

#include <cstdint>
#include <span>

#include "query/search.hpp"

namespace infgram {

struct LongestSuffix {
  std::uint64_t length = 0;  // tokens of the context
  ShardRanges ranges;        // where the suffix stands; every suffix for length 0
  [[nodiscard]] std::uint64_t count() const { return total_count(ranges); }
};

// The longest suffix of `context` whose count over all shards is at least min_count; the empty one if there is none.
// Counts fall as a suffix grows: from the length that the directory alone shows to occur often enough, longer ones are
// tried by doubling steps, then the gap is bisected; as soon as a suffix has few occurrences, the tokens before each of
// them tell how much longer it may be.
// Cost: O(log length) finds and a pass over the context; two or three finds as a rule, whatever the context's length.
// REQUIRES tokens below vocab_size, min_count > 0.
[[nodiscard]] LongestSuffix longest_suffix(const Index& index, std::span<const TokenId> context,
                                           std::uint64_t min_count);

}  // namespace infgram
