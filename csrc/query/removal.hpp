// Removes documents from a shard.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "index/shard.hpp"

namespace infgram {

// Returns the ranks of all suffixes of some documents, ascending.
// Cost for m tokens in a shard of n: if m is small, m searches, which compare at most kSearched tokens each, and one
// read of the suffix array for each suffix that begins like one of the m; otherwise, or if that are more than n, one
// pass over the suffix array (ranks_by_pass). So long passages that recur are no worse than others. `progress` receives
// the number of suffixes that were read. REQUIRES distinct documents below n_stored_documents(). Throws
// IndexDamagedError, and what `progress` throws.
[[nodiscard]] std::vector<Rank> ranks_of_documents(const Shard& shard, std::span<const std::uint64_t> documents,
                                                   const SortProgress& progress);

struct Removal {
  std::uint64_t n_documents;
  std::uint64_t n_tokens;
};

// Writes the removal files of a generation, flushed to disk: `documents` are the numbers in the shard of all removed
// documents. The ranks of those that `state` has removed already are read from its files. Returns how much is removed
// in total. Cost: ranks_of_documents() for the others, and the files. Throws QueryError for generation 0, and for
// documents that do not ascend or are not in the shard; IndexDamagedError, StorageError, what `progress` throws.
Removal write_removals(const ShardState& state, std::span<const std::uint64_t> documents, std::uint64_t generation,
                       const SortProgress& progress);

}  // namespace infgram
