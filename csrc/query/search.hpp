// Suffix ranges: where a pattern stands in the suffix arrays.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"
#include "index/index.hpp"

namespace infgram {

// One range a shard, in the order of the shards.
using ShardRanges = std::vector<SuffixRange>;

[[nodiscard]] std::uint64_t total_count(std::span<const SuffixRange> ranges);

// The suffixes of one shard that begin with `pattern`; every suffix for the empty pattern.
// Cost: O(log n) comparisons of suffixes inside the first token's range, each one array read and m / kKeyTokens text
// reads. REQUIRES tokens below vocab_size. Throws IndexDamagedError.
[[nodiscard]] SuffixRange find(const Shard& shard, std::span<const TokenId> pattern);

// The same in every shard. Cost: one find a shard.
[[nodiscard]] ShardRanges find(const Index& index, std::span<const TokenId> pattern);

// Of the suffixes in `range`, which share their first `depth` tokens, those whose next row is `row` (a token below
// vocab_size, or kEndOfDocument). Cost: O(log range.count()) comparisons of one token.
// REQUIRES depth > 0 when `row` is kEndOfDocument: the ends themselves are in no suffix array.
[[nodiscard]] SuffixRange narrow(const Shard& shard, SuffixRange range, std::uint64_t depth, RowId row);

}  // namespace infgram
