// What the index knows of each position of a text: counts at the longest suffix and at a ladder of lengths.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lm/suffix_chain.hpp"

namespace infgram {

// One suffix before a position; zeros if it does not occur.
struct SuffixCounts {
  std::uint64_t context_count;       // n_tokens + n_documents for the empty one
  std::uint64_t n_distinct;          // different rows
  std::uint64_t continuation_count;  // of the position's own token
  std::uint64_t likeliest_count;     // of the row that follows most often
};

struct SuffixFeatures {
  std::vector<std::uint64_t> suffix_lengths;  // the longest, of each position
  std::vector<SuffixCounts> longest;
  std::vector<SuffixCounts> ladder;  // of position i and length l at i * n_lengths + l
};

// For each token but the first. Takes turns with whoever else walks in the tree. Cost: as SuffixChain::append(), and
// for each level a look-up. `poll` is called now and then, and what it throws is thrown.
// REQUIRES tokens below vocab_size, lengths that ascend.
[[nodiscard]] SuffixFeatures suffix_features(ContextTree& tree, std::span<const TokenId> tokens,
                                             std::span<const std::uint64_t> lengths, const std::function<void()>& poll);

}  // namespace infgram
