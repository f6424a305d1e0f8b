// The longest suffix of a context that occurs often enough: the basis of the ∞-gram.
#pragma once

#include <cstdint>
#include <span>

#include "query/search.hpp"

namespace infgram {

struct LongestSuffix {
  std::uint64_t length = 0;  // in tokens
  ShardRanges ranges;        // of the suffix; every suffix of the index for length 0
  std::uint64_t count = 0;   // total_count(ranges)
};

// Returns the longest suffix of `context` whose count over all shards is at least min_count; possibly the empty one.
// Counts fall as a suffix grows. Starting at the length that the directory proves, longer suffixes are tried by
// doubling steps, then by bisection; as soon as a suffix has few occurrences, the tokens before each of them decide.
// Cost: O(log length) finds and a pass over the context; usually two or three finds for any length of the context.
// REQUIRES tokens below vocab_size, min_count > 0. Throws IndexDamagedError.
[[nodiscard]] LongestSuffix longest_suffix(const Index& index, std::span<const TokenId> context,
                                           std::uint64_t min_count);

}  // namespace infgram
