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
// Counts fall as a suffix grows, so lengths 1, 3, 7, … are tried, then the gap is bisected.
// Cost: O(log length) finds. REQUIRES tokens below vocab_size, min_count > 0.
[[nodiscard]] LongestSuffix longest_suffix(const Index& index, std::span<const TokenId> context,
                                           std::uint64_t min_count);

}  // namespace infgram
