// A clause: the OR of n-grams.
#pragma once

#include <cstdint>
#include <vector>

#include "query/position_set.hpp"
#include "query/search.hpp"

namespace infgram {

// A clause occurs at each position where one of its terms begins. Two terms begin at the same position only if one is a
// prefix of the other, so terms that have another term as a prefix are dropped, and no position is counted twice.
// Immutable; safe for concurrent readers.
class Clause {
 public:
  // Cost: one find() per term. REQUIRES at least one term, tokens below vocab_size. Throws QueryError if a term is
  // empty, IndexDamagedError.
  Clause(const Index& index, std::vector<std::vector<TokenId>> terms);

  [[nodiscard]] std::size_t n_terms() const { return terms_.size(); }
  // The number of occurrences, in the index or in one shard.
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] std::uint64_t count(std::size_t shard) const { return counts_[shard]; }
  // The suffixes of a shard that begin with a term: disjoint raw ranges, one per term.
  [[nodiscard]] std::span<const SuffixRange> ranges(std::size_t shard) const { return ranges_[shard]; }

  // Returns the occurrences that begin in some spans of a shard's text, by scanning the text. Cost: a fraction of a
  // nanosecond per token and term. REQUIRES ascending spans without separators.
  [[nodiscard]] std::vector<Position> scan(const Shard& shard, std::span<const Shard::Span> spans,
                                           const Poll& poll) const;

  // Returns the length of the term that begins at an occurrence. REQUIRES that `position` is one.
  [[nodiscard]] std::uint64_t length_at(const Shard& shard, Position position) const;

 private:
  std::vector<std::vector<TokenId>> terms_;
  std::vector<ShardRanges> ranges_;    // [shard][term]
  std::vector<std::uint64_t> counts_;  // [shard]
};

}  // namespace infgram
