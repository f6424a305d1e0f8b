// The longest match that starts at each position of a sequence.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/search.hpp"

namespace infgram {

struct LongestMatch {
  std::uint64_t length;  // the most tokens from here on that occur; 0 if the first does not
  std::uint64_t count;   // their occurrences; n_tokens for length 0
};

// Returns the longest match that starts at each position of `tokens`.
// Cost: one search per position and shard; far fewer where matches are long (query/match_pass.hpp). REQUIRES tokens
// below vocab_size, fewer than 2^32 of them.
[[nodiscard]] std::vector<LongestMatch> longest_matches(const Index& index, std::span<const TokenId> tokens);

}  // namespace infgram
