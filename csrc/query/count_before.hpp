// Counts which of some tokens directly precede some n-grams.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/count_spans.hpp"

namespace infgram {

// A span that occurs directly after one of the heads.
struct PrecededSpan {
  std::uint64_t span;   // the index of the span
  std::uint64_t head;   // the index of the head
  std::uint64_t count;  // > 0
};

// Counts how often each head directly precedes each span of `tokens`. Returns positive counts only, ascending by span.
// Cost: per span and shard one search, then the cheaper of one search per head, or one read of the array and the text
// per occurrence of the span. REQUIRES as count_spans(); distinct heads below vocab_size.
[[nodiscard]] std::vector<PrecededSpan> count_before(const Index& index, std::span<const TokenId> heads,
                                                     std::span<const TokenId> tokens, std::span<const Span> spans);

}  // namespace infgram
