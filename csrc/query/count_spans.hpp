// Counts many spans of one sequence together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/search.hpp"

namespace infgram {

// The tokens [begin, end) of a sequence.
struct Span {
  std::uint64_t begin;
  std::uint64_t end;
};

// Returns how often each span of `tokens` occurs. Spans may overlap and are not copied.
// Cost: one interleaved search per span and shard (query/descent.hpp); memory for their state. Long spans of one
// sequence share their work (query/match_pass.hpp). REQUIRES tokens below vocab_size; non-empty spans inside `tokens`.
[[nodiscard]] std::vector<std::int64_t> count_spans(const Index& index, std::span<const TokenId> tokens,
                                                    std::span<const Span> spans);

}  // namespace infgram
