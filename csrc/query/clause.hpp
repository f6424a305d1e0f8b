// The OR of some n-grams, and where it occurs.
#pragma once

#include <cstdint>
#include <vector>

#include "query/position_set.hpp"
#include "query/search.hpp"

namespace infgram {

// An occurrence of a clause is a position at which one of its terms begins. Two terms begin at one position only where
// one is a prefix of the other; so with the terms that have no other as prefix no position is counted twice.
// Immutable; safe for concurrent readers.
class Clause {
 public:
  // Cost: a find() a term. REQUIRES at least one term, tokens below vocab_size.
  // Throws QueryError when a term is empty, IndexDamagedError.
  Clause(const Index& index, std::vector<std::vector<TokenId>> terms);

  [[nodiscard]] std::size_t n_terms() const { return terms_.size(); }
  // Occurrences in the index, and in one shard.
  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] std::uint64_t count(std::size_t shard) const { return total_count(ranges_[shard]); }
  // The suffixes of a shard that begin with a term: disjoint ranges, one a term.
  [[nodiscard]] std::span<const SuffixRange> ranges(std::size_t shard) const { return ranges_[shard]; }

  // The occurrences that begin inside some spans of a shard's text, by reading the text there.
  // Cost: a fraction of a nanosecond a token and term. REQUIRES spans that ascend and do not touch separators.
  [[nodiscard]] std::vector<std::uint64_t> scan(const Shard& shard, std::span<const Shard::Span> spans,
                                                const Poll& poll) const;

  // How many tokens the term has that begins at an occurrence. REQUIRES such a position.
  [[nodiscard]] std::uint64_t length_at(const Shard& shard, std::uint64_t position) const;

 private:
  std::vector<std::vector<TokenId>> terms_;
  std::vector<ShardRanges> ranges_;  // [shard][term]
};

}  // namespace infgram
