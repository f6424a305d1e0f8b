// The ranks of the suffixes of removed documents, and what is left of a range of suffixes without them.
//
// A removal changes no other file of a shard: searches find the ranges of all suffixes, *raw* ranges, and what counts
// or reads the suffixes of a range leaves out the removed ones. The others are *live*.
#pragma once

#include <cstdint>
#include <vector>

#include "base/types.hpp"
#include "storage/packed_array.hpp"
#include "storage/section.hpp"

namespace infgram {

// A view of the section with a table of buckets: bucket b holds the ranks [b << shift, (b + 1) << shift), about four on
// average. Memory: 2 bytes per removed suffix. Immutable; the section must outlive it.
class RemovedRanks {
 public:
  // Nothing is removed.
  RemovedRanks() = default;
  // Cost: one pass over the section. Throws IndexDamagedError unless its ranks ascend and are below n_suffixes.
  RemovedRanks(const Section& section, std::uint64_t n_suffixes);

  [[nodiscard]] bool empty() const { return ranks_.size() == 0; }
  [[nodiscard]] std::uint64_t size() const { return ranks_.size(); }
  [[nodiscard]] const PackedArray& ranks() const { return ranks_; }

  // The number of removed ranks below a rank. Cost: O(1) reads for most ranks, at most O(log size()); one branch if
  // nothing is removed. REQUIRES rank <= n_suffixes.
  [[nodiscard]] std::uint64_t n_before(Rank rank) const { return empty() ? 0 : search(rank); }

  // The rank of the live suffix that has `n` live suffixes before it. Cost: O(log size()). REQUIRES that it exists.
  [[nodiscard]] Rank nth_live(std::uint64_t n) const;

  // Given that element `place` is `rank`, returns the end of the run of consecutive removed ranks: the first rank after
  // it that is not removed, and the place of the next removed one. Cost: O(log of the run).
  struct RunEnd {
    Rank rank;
    std::uint64_t place;
  };
  [[nodiscard]] RunEnd run_end(Rank rank, std::uint64_t place) const;

 private:
  [[nodiscard]] std::uint64_t search(Rank rank) const;

  PackedArray ranks_;
  unsigned shift_ = 0;
  std::vector<std::uint64_t> starts_;  // the number of ranks before each bucket, then all
};

// Iterates over the live ranks of a range, ascending. Cost: O(1) per live rank; a run of removed ones takes O(log run).
// The RemovedRanks must outlive it.
class LiveRanks {
 public:
  LiveRanks(const RemovedRanks& removed, SuffixRange range) : removed_(&removed), rank_(range.lo), hi_(range.hi) {
    if (removed.empty()) return;
    place_ = removed.n_before(range.lo);
    read_next_removed();
    skip_removed();
  }

  [[nodiscard]] bool is_done() const { return rank_ >= hi_; }
  // REQUIRES !is_done(), as does advance().
  [[nodiscard]] Rank rank() const { return rank_; }
  void advance() {
    ++rank_;
    if (rank_ == next_removed_) skip_removed();
  }

 private:
  static constexpr Rank kNone = ~Rank{0};

  void read_next_removed() { next_removed_ = place_ < removed_->size() ? removed_->ranks()[place_] : kNone; }
  void skip_removed() {
    while (rank_ == next_removed_) {
      const auto [rank, place] = removed_->run_end(rank_, place_);
      rank_ = rank;
      place_ = place;
      read_next_removed();
    }
  }

  const RemovedRanks* removed_;
  Rank rank_;
  Rank hi_;
  std::uint64_t place_ = 0;    // of the next removed rank
  Rank next_removed_ = kNone;  // kNone after the last one
};

}  // namespace infgram
