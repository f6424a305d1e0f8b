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
  // The suffixes sorted at a time; their positions (4 bytes each, 8 in texts beyond 2^32) are the main memory use.
  std::uint64_t block_size = std::uint64_t{1} << 40;
};

// Receives the positions in the order of their suffixes, piece by piece.
using SuffixSink = std::function<void(std::span<const std::uint64_t> positions)>;

// Told on the caller's thread how many suffixes are sorted; may throw to stop the work.
using SortProgress = std::function<void(std::uint64_t n_sorted)>;

// Sorts the suffixes that begin with a token (none of the separators) in the order that text.hpp states, and hands
// their positions to `sink`. The result does not depend on the options.
//
// Blocks of neighbouring first tokens are sorted one after the other: a pass over the text collects a block's
// positions, each bucket is sorted by its next tokens to a depth of 64, and what still agrees then is decided by a
// difference cover, which is made only when some suffixes agree so far (difference_cover.hpp).
// Cost: O(n log n) in the worst case; one pass over the text a block. Memory beyond `text`, in bytes: a copy of it;
// 4 (8 beyond 2^32 positions) a place of the largest block; as much a bucket and thread, twice; 6 (10) a member of the
// largest group below a first token and thread, or 32 a member of the largest group that goes by keys alone; and, when
// suffixes agree in 64 tokens, 1.2 n while their sample is ranked, 0.6 n after, and 16 to 40 a tied suffix.
//
// REQUIRES n_documents separators in the text, one of them at its end; every other token <= largest_id.
void sort_suffixes(const AnyText& text, TokenId largest_id, std::uint64_t n_documents, const SuffixSortOptions& options,
                   const SuffixSink& sink, const SortProgress& progress);

}  // namespace infgram
