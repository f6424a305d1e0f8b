// Which of some tokens come right before some n-grams.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/count_spans.hpp"

namespace infgram {

// An n-gram that occurs right after one of the heads.
struct Preceded {
  std::uint64_t span;   // its number
  std::uint64_t head;   // that of the head
  std::uint64_t count;  // > 0
};

// How often each head comes right before each span of `tokens`; only what occurs, the spans ascending.
// Cost: for each span and shard a search, and then whichever is less: a search a head, or a read of the array and the
// text for each occurrence of the span. REQUIRES as count_spans(); distinct heads below vocab_size.
[[nodiscard]] std::vector<Preceded> count_before(const Index& index, std::span<const TokenId> heads,
                                                 std::span<const TokenId> tokens, std::span<const Span> spans);

}  // namespace infgram
