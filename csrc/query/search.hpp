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

// The suffixes of each shard that begin with `pattern`; every suffix for the empty pattern.
// Cost: query/descent.hpp, the shards interleaved. REQUIRES tokens below vocab_size. Throws IndexDamagedError.
[[nodiscard]] ShardRanges find(const Index& index, std::span<const TokenId> pattern);

// The counts of many patterns: pattern i is tokens[starts[i], starts[i + 1]).
// Cost: as find(), all patterns and shards interleaved. REQUIRES starts that ascend to tokens.size().
[[nodiscard]] std::vector<std::int64_t> count_batch(const Index& index, std::span<const TokenId> tokens,
                                                    std::span<const std::size_t> starts);

// Of the suffixes in `ranges`, all of which begin with `context`, those whose next row is `row` (a token below
// vocab_size, or kEndOfDocument). Cost: as find(), within the ranges.
// REQUIRES a context that is not empty when `row` is kEndOfDocument: the ends themselves are in no suffix array.
[[nodiscard]] ShardRanges narrow(const Index& index, std::span<const TokenId> context,
                                 std::span<const SuffixRange> ranges, RowId row);

}  // namespace infgram
