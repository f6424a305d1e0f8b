// Finds passages that occur more than once in the corpus.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/large_array.hpp"
#include "index/index.hpp"

namespace infgram {

// The tokens [begin, end) of a document, numbered in the index.
struct DocumentRange {
  std::uint64_t document;
  std::uint64_t begin;
  std::uint64_t end;
};

// Receives the number of processed suffixes, on the caller's thread. May throw to cancel.
using DuplicateProgress = std::function<void(std::uint64_t n_done)>;

// The positions of an index where `min_tokens` tokens of one document repeat an earlier passage, in an earlier shard or
// earlier in the same one. (Lee, Ippolito, Nystrom, Zhang, Eck, Callison-Burch, Carlini, "Deduplicating training data
// makes language models better", ACL 2022: exact substrings; here all copies but the first.) Immutable; safe for
// concurrent readers. The index must outlive it.
class Duplicates {
 public:
  // Finds all duplicates. Suffixes that begin with the same min_tokens tokens are adjacent in the merged suffix order
  // of all shards; all positions of such a group but the first are marked in a bitmap. Each thread takes slices of the
  // order that split no group.
  // Cost: one pass over the suffix arrays, with one prefetched read of the text per suffix; O(min_tokens) per
  // duplicate; a merge if there are several shards. Memory: one bit per token. REQUIRES min_tokens > 0, n_threads > 0.
  // `task_suffixes` is the size of a slice; tests use another. Throws IndexDamagedError, and what `progress` throws.
  [[nodiscard]] static Duplicates find(const Index& index, std::uint64_t min_tokens, std::size_t n_threads,
                                       const DuplicateProgress& progress,
                                       std::uint64_t task_suffixes = std::uint64_t{1} << 20);

  // Returns the ranges covered by duplicates in the documents with numbers in [first, last): ascending, non-empty,
  // disjoint. Cost: O(tokens / 64 + duplicates).
  [[nodiscard]] std::vector<DocumentRange> ranges(std::uint64_t first, std::uint64_t last) const;

 private:
  Duplicates(const Index& index, std::uint64_t min_tokens) : index_(&index), min_tokens_(min_tokens) {}

  void append_ranges(std::size_t s, std::uint64_t in_shard, std::vector<DocumentRange>& found) const;

  const Index* index_;
  std::uint64_t min_tokens_;
  std::vector<LargeArray<std::uint64_t>> marks_;  // one bit per position, one array per shard
};

}  // namespace infgram
