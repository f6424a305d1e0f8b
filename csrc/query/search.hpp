// Finds the suffix ranges of patterns.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"
#include "index/index.hpp"

namespace infgram {

// One range per shard, in the order of the shards.
using ShardRanges = std::vector<SuffixRange>;

// The number of live suffixes in one range per shard: the count of what they begin with.
[[nodiscard]] std::uint64_t total_count(const Index& index, std::span<const SuffixRange> ranges);

// Returns the suffixes of each shard that begin with `pattern`; all suffixes for the empty pattern. If the ranges of a
// suffix of `pattern` are known, the shards where that does not occur are not searched. Cost: query/descent.hpp, the
// shards interleaved. REQUIRES tokens below vocab_size. Throws IndexDamagedError.
[[nodiscard]] ShardRanges find(const Index& index, std::span<const TokenId> pattern,
                               std::span<const SuffixRange> ranges_of_suffix = {});

// Returns the counts of many patterns; pattern i is tokens[starts[i], starts[i + 1]). Cost: as find(), all patterns and
// shards interleaved. REQUIRES starts that ascend to tokens.size().
[[nodiscard]] std::vector<std::int64_t> count_batch(const Index& index, std::span<const TokenId> tokens,
                                                    std::span<const std::size_t> starts);

// Of the suffixes in `ranges`, which all begin with `context`, returns those that continue with `next_token` (a token
// below vocab_size, or kEndOfDocument). Cost: as find(), within the ranges. REQUIRES a non-empty context if
// `next_token` is kEndOfDocument: no suffix begins with the end of a document.
[[nodiscard]] ShardRanges narrow(const Index& index, std::span<const TokenId> context,
                                 std::span<const SuffixRange> ranges, NextTokenId next_token);

}  // namespace infgram
