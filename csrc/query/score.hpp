// The ∞-gram at every position of a sequence, in one pass.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/search.hpp"

namespace infgram {

// The counts that predict one position.
struct PositionScore {
  std::uint64_t suffix_length;       // in tokens
  std::uint64_t context_count;       // of the suffix; n_tokens + n_documents for the empty one
  std::uint64_t continuation_count;  // of the suffix followed by the scored token
};

// Scores each token given the preceding ones and, if `with_end`, the end of the document after the last token, by the
// longest suffix whose count is at least min_count. The longest suffix grows by at most one token per position, so its
// left end only moves right. Cost: query/match_pass.hpp; for min_count > 1 some more finds per position. REQUIRES
// tokens below vocab_size, min_count > 0.
[[nodiscard]] std::vector<PositionScore> score(const Index& index, std::span<const TokenId> tokens, bool with_end,
                                               std::uint64_t min_count);

}  // namespace infgram
