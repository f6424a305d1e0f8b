// The longest match that starts at each position of a sequence.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/search.hpp"

namespace infgram {

struct LongestMatch {
  std::uint64_t length;  // tokens from here on that occur somewhere; 0 when not even the first does
  std::uint64_t count;   // occurrences of these; n_tokens for length 0
};

// For each position of `tokens` the longest match that starts there. All searches are independent and interleaved.
// Cost: one search a position and shard (query/descent.hpp). REQUIRES tokens below vocab_size.
[[nodiscard]] std::vector<LongestMatch> longest_matches(const Index& index, std::span<const TokenId> tokens);

}  // namespace infgram
