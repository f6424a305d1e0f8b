// Sorts the suffixes of one shard.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/types.hpp"
#include "suffix/text.hpp"

namespace infgram {

struct SuffixSortOptions {
  std::size_t n_threads = 1;
  // Soft limit for allocations; the minimum working set may exceed it.
  std::uint64_t memory_bytes = std::uint64_t{1} << 62;
};

// Receives the positions in suffix order, in pieces.
using SuffixSink = std::function<void(std::span<const Position> positions)>;

// Receives the number of sorted suffixes, on the caller's thread. May throw to cancel.
using SortProgress = std::function<void(std::uint64_t n_sorted)>;

// Sorts the suffixes that begin with a token (not with a separator) in the order that text.hpp defines, and passes
// their positions to `sink`. The result does not depend on the options.
//
// First a sample of the suffixes is ranked (sample_ranks.hpp). Then each thread sorts blocks of suffixes with adjacent
// first tokens: one pass over the text collects the suffixes of a block; these are sorted by their next tokens and,
// where 13 or more tokens are equal, by the rank of the next sampled suffix. Blocks are passed to `sink` in order.
//
// Cost: O(n log n) in the worst case; one pass over the text per block. Memory beyond the text, for ordinary text: 3
// bytes per token while the sample is ranked, then some 200 MB for blocks. With less memory, blocks and sample are
// smaller, down to about 1 byte per token. (Twice as much beyond 2^32 tokens.) Long runs with a short period take more.
//
// REQUIRES a separator at the end of the text; every other token <= largest_id.
void sort_suffixes(const AnyText& text, TokenId largest_id, const SuffixSortOptions& options, const SuffixSink& sink,
                   const SortProgress& progress);

}  // namespace infgram
