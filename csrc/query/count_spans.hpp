// Many pieces of one sequence, counted together.
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

// How often each span of `tokens` occurs. The spans may overlap, and are not copied.
// Cost: one search a span and shard (query/descent.hpp), interleaved; memory for their state. Long spans of one
// sequence are counted together (query/match_pass.hpp). REQUIRES tokens below vocab_size; spans that are not empty and
// lie inside `tokens`.
[[nodiscard]] std::vector<std::int64_t> count_spans(const Index& index, std::span<const TokenId> tokens,
                                                    std::span<const Span> spans);

}  // namespace infgram
