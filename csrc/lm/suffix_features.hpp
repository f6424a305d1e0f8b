// Counts of the suffixes before each position of a text: of the longest suffix and of suffixes of given lengths.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lm/suffix_chain.hpp"

namespace infgram {

// The counts of one suffix before a position; zeros if it does not occur.
struct SuffixCounts {
  std::uint64_t context_count;       // n_tokens + n_documents for the empty suffix
  std::uint64_t n_distinct;          // distinct next tokens
  std::uint64_t continuation_count;  // of the position's own token
  std::uint64_t likeliest_count;     // of the most frequent next token
};

struct SuffixFeatures {
  std::vector<std::uint64_t> suffix_lengths;  // of the longest suffix, per position
  std::vector<SuffixCounts> longest;
  std::vector<SuffixCounts> ladder;  // of position i and length l at i * n_lengths + l
};

// Computes the features of every token but the first. Locks the tree's mutex. Cost: as SuffixChain::append(), and one
// look-up per level. Calls `poll` from time to time; it may throw to cancel. REQUIRES tokens below vocab_size,
// ascending lengths.
[[nodiscard]] SuffixFeatures suffix_features(ContextTree& tree, std::span<const TokenId> tokens,
                                             std::span<const std::uint64_t> lengths, const std::function<void()>& poll);

}  // namespace infgram
