// Counts what follows a context, exactly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"
#include "index/next_token_reader.hpp"
#include "query/search.hpp"

namespace infgram {

struct NextTokens {
  std::vector<NextToken> tokens;    // ascending by id; all counts positive
  std::uint64_t context_count = 0;  // the sum of the counts
};

// Counts what follows the suffixes in `ranges`, which share their first `depth` tokens. For depth 0 the end of the
// document counts once per document.
// Cost for d distinct next tokens among c occurrences: O(d) if the shard has stored them, otherwise
// index/next_token_reader.hpp; O(vocab_size) for depth 0.
[[nodiscard]] NextTokens next_tokens(const Index& index, std::span<const SuffixRange> ranges, std::uint64_t depth);

// Whether exactly one distinct next token follows. Cost: two reads per shard; O(vocab_size) for depth 0.
[[nodiscard]] bool is_sparse(const Index& index, std::span<const SuffixRange> ranges, std::uint64_t depth);

// Keeps the k next tokens of largest count, by descending count; ties go to the smaller id. Cost: O(d log k).
void keep_top(std::vector<NextToken>& tokens, std::size_t k);

}  // namespace infgram
