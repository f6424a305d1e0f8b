// The AND of some clauses, within a distance or within a document.
//
// An occurrence of the conjunction is an occurrence of its first clause for which one occurrence of each other clause
// can be chosen, in the same document, so that the first tokens of all of them lie at most `max_distance` tokens apart.
// (Chosen occurrences may overlap, and one position may serve two clauses.)
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "query/clause.hpp"
#include "query/random_sample.hpp"

namespace infgram {

// The distance that makes a document the scope.
inline constexpr std::uint64_t kWholeDocument = std::numeric_limits<std::uint64_t>::max();

// A document, numbered in the index, with occurrences of the conjunction.
struct MatchingDocument {
  std::uint64_t document;
  std::uint64_t n_matches;  // how many of the occurrences that were examined
  bool has_first;           // whether the document's first one is among them
};

// A place shown of a document: an occurrence of one of the clauses, in tokens from the document's begin.
struct Match {
  std::uint64_t clause;
  std::uint64_t offset;
  std::uint64_t length;
};

// Immutable; safe for concurrent readers. The index must outlive it.
class Conjunction {
 public:
  // Cost: as of the clauses. REQUIRES at least one clause, those of Clause.
  Conjunction(const Index& index, std::vector<Clause> clauses, std::uint64_t max_distance)
      : index_(&index), clauses_(std::move(clauses)), max_distance_(max_distance) {}

  [[nodiscard]] std::span<const Clause> clauses() const { return clauses_; }

  // Every document with an occurrence, ascending, and how many it has.
  // Cost: reads the positions of the rarest clause of each shard, and puts them in order; for each other clause
  // likewise, or, if that is less, scans the text around the rarest's (its documents, when they are the scope). Then
  // one pass over the positions. Memory: query/position_set.hpp for each clause, and the result.
  // Throws IndexDamagedError.
  [[nodiscard]] std::vector<MatchingDocument> documents(const Poll& poll) const;

  // The same for a uniform sample without repeats of `size` occurrences of the first clause: how many of them are
  // occurrences of the conjunction, by document. The same seed gives the same sample of the same shards. With a frame,
  // the sample is one of the first clause's occurrences in all parts, and those of this part are looked at.
  // Cost: as documents(), the sample being the rarest; and for each document found the text before its first match.
  // Memory: some 50 bytes a member of the sample.
  // REQUIRES size <= frame.total, and that of the first clause's occurrences in the frame these are the part's own.
  [[nodiscard]] std::vector<MatchingDocument> sampled_documents(std::uint64_t size, std::uint64_t seed, Frame frame,
                                                                const Poll& poll) const;

  // How many occurrences a document holds; the first `limit` of them, and of each other clause one for each that
  // completes it: by offset, none twice. Cost: one pass over the document for each term.
  struct Matches {
    std::uint64_t count;
    std::vector<Match> shown;
  };
  [[nodiscard]] Matches matches(std::uint64_t document, std::uint64_t limit, const Poll& poll) const;

 private:
  void complete(std::size_t shard, std::vector<PositionSet>& sets, std::size_t driver, const Poll& poll) const;
  [[nodiscard]] bool is_first(std::size_t shard, std::uint64_t document, std::uint64_t position,
                              const Poll& poll) const;

  const Index* index_;
  std::vector<Clause> clauses_;
  std::uint64_t max_distance_;
};

// The distinct documents that hold a suffix of the ranges, one range a shard.
// Cost: as Conjunction::documents for one clause; O(1) memory besides.
[[nodiscard]] std::uint64_t document_count(const Index& index, std::span<const SuffixRange> ranges, const Poll& poll);

}  // namespace infgram
