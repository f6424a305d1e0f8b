// The AND of clauses, within a distance or within a document.
//
// The conjunction occurs at each occurrence of its first clause for which one occurrence of every other clause can be
// chosen in the same document, so that the first tokens of all of them are at most `max_distance` tokens apart. (Chosen
// occurrences may overlap, and one position may serve two clauses.)
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "query/clause.hpp"
#include "query/random_sample.hpp"

namespace infgram {

// The distance that makes the document the scope.
inline constexpr std::uint64_t kWholeDocument = std::numeric_limits<std::uint64_t>::max();

// A document (numbered in the index) in which the conjunction occurs.
struct MatchingDocument {
  std::uint64_t document;
  std::uint64_t n_matches;  // occurrences among those examined
  bool has_first;           // whether the document's first occurrence is among them
};

// An occurrence of one clause, in tokens from the start of the document.
struct Match {
  std::uint64_t clause;
  std::uint64_t offset;
  std::uint64_t length;
};

// Immutable; safe for concurrent readers. The index must outlive it.
class Conjunction {
 public:
  // Cost: O(1). REQUIRES at least one clause, each made for this index.
  Conjunction(const Index& index, std::vector<Clause> clauses, std::uint64_t max_distance)
      : index_(&index), clauses_(std::move(clauses)), max_distance_(max_distance) {}

  [[nodiscard]] std::span<const Clause> clauses() const { return clauses_; }

  // Returns every document in which the conjunction occurs, ascending, with the number of occurrences.
  // Cost: per shard, reads and sorts the positions of the rarest clause; for each other clause likewise or, if cheaper,
  // scans the text around the rarest clause's positions (the whole documents if they are the scope). Then one pass over
  // the positions. Memory: query/position_set.hpp per clause, and the result. Throws IndexDamagedError.
  [[nodiscard]] std::vector<MatchingDocument> documents(const Poll& poll) const;

  // Like documents(), for a uniform sample without replacement of `size` occurrences of the first clause. The same seed
  // gives the same sample of the same shards. In a part of a larger index, the sample is drawn from the first clause's
  // occurrences in all parts, and those of this part are examined.
  // Cost: like documents() with the sample as the rarest clause; for each document found also a scan of the text before
  // its first match. Memory: some 50 bytes per member of the sample.
  // REQUIRES size <= frame.total, and that `frame` places the first clause's occurrences in this part.
  [[nodiscard]] std::vector<MatchingDocument> sampled_documents(std::uint64_t size, std::uint64_t seed, Frame frame,
                                                                const Poll& poll) const;

  // Returns the number of occurrences in a document, the first `limit` of them, and for each of these one occurrence of
  // every other clause that completes it; sorted by offset, without repetitions. Cost: one pass over the document per
  // term.
  struct Matches {
    std::uint64_t count;
    std::vector<Match> shown;
  };
  [[nodiscard]] Matches matches(std::uint64_t document, std::uint64_t limit, const Poll& poll) const;

 private:
  void complete(std::size_t shard, std::vector<PositionSet>& sets, std::size_t driver, const Poll& poll) const;
  [[nodiscard]] bool is_first(std::size_t shard, std::uint64_t document, Position position, const Poll& poll) const;

  const Index* index_;
  std::vector<Clause> clauses_;
  std::uint64_t max_distance_;
};

// Counts the distinct documents that contain a suffix of the ranges, one range per shard. Cost: like
// Conjunction::documents for one clause, but O(1) memory for the result.
[[nodiscard]] std::uint64_t document_count(const Index& index, std::span<const SuffixRange> ranges, const Poll& poll);

}  // namespace infgram
