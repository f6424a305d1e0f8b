// Passages that the corpus holds more than once.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/large_array.hpp"
#include "index/index.hpp"

namespace infgram {

// Tokens [begin, end) of a document, numbered in the index.
struct DocumentRange {
  std::uint64_t document;
  std::uint64_t begin;
  std::uint64_t end;
};

// Tells, on the caller's thread, how many suffixes are done; may throw to stop the work.
using DuplicateProgress = std::function<void(std::uint64_t n_done)>;

// The places of an index where `min_tokens` tokens stand, all in one document, that stand earlier in the index, too: in
// an earlier shard, or before in the same one. (Lee, Ippolito, Nystrom, Zhang, Eck, Callison-Burch, Carlini,
// "Deduplicating training data makes language models better", ACL 2022: exact substrings; here all copies but the
// first.) Immutable; safe for any number of threads. The index must outlive it.
class Duplicates {
 public:
  // Method: suffixes that begin with the same min_tokens tokens are neighbours in suffix order, over all shards
  // merged; all of such a group but its first place are marked in a bitmap. Threads take stretches of the order that
  // no group straddles.
  // Cost: a pass over the suffix arrays, with one prefetched read of the text a suffix; O(min_tokens) for each
  // duplicate; with several shards a merge besides. Memory: a bit a token.
  // REQUIRES min_tokens > 0, n_threads > 0. Throws IndexDamagedError and what `progress` throws.
  [[nodiscard]] static Duplicates find(const Index& index, std::uint64_t min_tokens, std::size_t n_threads,
                                       const DuplicateProgress& progress);

  // What lies inside a duplicate, in the documents [first, last): ascending, not empty, and apart from each other.
  // Cost: O(tokens / 64 + duplicates). REQUIRES first <= last <= n_documents.
  [[nodiscard]] std::vector<DocumentRange> ranges(std::uint64_t first, std::uint64_t last) const;

 private:
  Duplicates(const Index& index, std::uint64_t min_tokens) : index_(&index), min_tokens_(min_tokens) {}

  const Index* index_;
  std::uint64_t min_tokens_;
  std::vector<LargeArray<std::uint64_t>> marks_;  // a bit a position, one array a shard
};

}  // namespace infgram
