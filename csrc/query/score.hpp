// The ∞-gram at every position of a sequence, in one pass.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/search.hpp"

namespace infgram {

// What predicts one position.
struct PositionScore {
  std::uint64_t suffix_length;       // tokens of context used
  std::uint64_t context_count;       // occurrences of that suffix; n_tokens + n_documents for the empty one
  std::uint64_t continuation_count;  // of those, how many the row follows
};

// Scores each token given those before it, and the end of the document after them when `with_end`, by the longest
// suffix whose count is at least min_count. From one position to the next the longest suffix grows by at most one
// token, so its left end only moves right. Cost: query/match_pass.hpp; with a min_count above 1 some more finds a
// position. REQUIRES tokens below vocab_size,
// min_count > 0.
[[nodiscard]] std::vector<PositionScore> score(const Index& index, std::span<const TokenId> tokens, bool with_end,
                                               std::uint64_t min_count);

}  // namespace infgram
