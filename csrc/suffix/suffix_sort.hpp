// The suffix array of one shard.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "base/types.hpp"
#include "suffix/text.hpp"

namespace infgram {

struct SuffixSortOptions {
  std::size_t n_threads = 1;
  // What the sorter may allocate; it takes what it needs at least even if that is more.
  std::uint64_t memory_bytes = std::uint64_t{1} << 62;
};

// Receives the positions in the order of their suffixes, piece by piece.
using SuffixSink = std::function<void(std::span<const std::uint64_t> positions)>;

// Told on the caller's thread how many suffixes are sorted; may throw to stop the work.
using SortProgress = std::function<void(std::uint64_t n_sorted)>;

// Sorts the suffixes that begin with a token (none of the separators) in the order that text.hpp states, and hands
// their positions to `sink`. The result does not depend on the options.
//
// A sample of the suffixes is ranked (sample_ranks.hpp); then blocks of neighbouring first tokens are sorted, each by
// one thread: a pass over the text collects a block's suffixes, which are sorted by their next tokens and, where 13 or
// more agree, by the rank of the next sampled suffix. The blocks go to the sink in order.
//
// Cost: O(n log n) in the worst case; a pass over the text a block. Memory beyond the text, in bytes a token of
// ordinary text: 3 for the sample while it is ranked, and some 200 MB for blocks. With less memory the blocks are
// smaller and the sample thinner, down to about 1. (Twice these in texts beyond 2^32 tokens.) Texts with long runs of
// one short period take more.
//
// REQUIRES a separator at the text's end; every token that is none <= largest_id.
void sort_suffixes(const AnyText& text, TokenId largest_id, const SuffixSortOptions& options, const SuffixSink& sink,
                   const SortProgress& progress);

}  // namespace infgram
