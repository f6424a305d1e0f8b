// A set of positions of one shard, read in ascending order.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "index/shard.hpp"

namespace infgram {

// Receives, from time to time, the number of occurrences or tokens read since the last call. May throw to cancel.
using Poll = std::function<void(std::uint64_t n_more)>;

inline constexpr std::uint64_t kNoPosition = std::numeric_limits<std::uint64_t>::max();

// Owns its positions: as a sorted array or, if they are dense, as a bitmap over the text.
class PositionSet {
 public:
  PositionSet() = default;
  // REQUIRES ascending positions.
  explicit PositionSet(std::vector<Position> sorted) : sorted_(std::move(sorted)) {}

  // Returns the positions of the live suffixes in some ranges. Memory: 8 bytes per position, or one bit per token of
  // the text, which is at most 64 bytes per position. Cost: one array read per position, plus a sort or one memory
  // write per position. Throws IndexDamagedError.
  [[nodiscard]] static PositionSet gather(const Shard& shard, std::span<const SuffixRange> ranges, const Poll& poll);

  // Reads a set in ascending order. The set must outlive it.
  class Cursor {
   public:
    explicit Cursor(const PositionSet& set) : set_(&set) {}

    // Moves to the first position >= `position`, never backwards. Returns it, or kNoPosition at the end. Cost: O(log of
    // the positions passed); in a bitmap, 1/64 of the tokens passed.
    std::uint64_t at_least(Position position);

    // Moves to the first position >= `end`. Returns the number of positions passed. Cost: as at_least().
    std::uint64_t count_to(std::uint64_t end);

   private:
    std::uint64_t sorted_at_least(Position position);
    std::uint64_t bits_at_least(Position position);

    const PositionSet* set_;
    std::uint64_t place_ = 0;  // the index in the sorted array, or the first bit not passed
  };

 private:
  std::vector<Position> sorted_;
  std::vector<std::uint64_t> bits_;  // used if not empty
};

}  // namespace infgram
