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

// For each position of `tokens` the longest match that starts there.
// Cost: a search a position and shard; few where matches are long (query/match_pass.hpp). REQUIRES tokens below
// vocab_size, fewer than 2^32 of them.
[[nodiscard]] std::vector<LongestMatch> longest_matches(const Index& index, std::span<const TokenId> tokens);

}  // namespace infgram
