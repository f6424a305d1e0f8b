// What follows a context, counted exactly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"
#include "index/row_reader.hpp"
#include "query/search.hpp"

namespace infgram {

struct NextTokens {
  std::vector<NextToken> rows;      // ascending by row; every count positive
  std::uint64_t context_count = 0;  // the sum of the counts
};

// What follows the suffixes in `ranges`, which share their first `depth` tokens; for depth 0 the rows of the empty
// context, whose end row counts the documents. Exact for any count.
// Cost for d distinct rows among c occurrences: O(d) where the shard has stored the rows, else index/row_reader.hpp;
// O(vocab_size) for depth 0.
[[nodiscard]] NextTokens next_tokens(const Index& index, std::span<const SuffixRange> ranges, std::uint64_t depth);

// Whether one distinct row alone follows. Cost: two reads a shard; O(vocab_size) for depth 0.
[[nodiscard]] bool is_sparse(const Index& index, std::span<const SuffixRange> ranges, std::uint64_t depth);

// The k rows of largest count, by falling count, ties to the smaller row. Cost: O(d log k).
void keep_top(std::vector<NextToken>& rows, std::size_t k);

}  // namespace infgram
