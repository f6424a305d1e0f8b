// A set of positions of one shard, read in ascending order.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "index/shard.hpp"

namespace infgram {

// Told now and then how much has been done since it was last told, in occurrences or tokens read; what it throws ends
// the work.
using Poll = std::function<void(std::uint64_t n_more)>;

inline constexpr std::uint64_t kNoPosition = std::numeric_limits<std::uint64_t>::max();

// Owns its positions: sorted, or, where there are many for the text, one bit for each of the text's tokens.
class PositionSet {
 public:
  PositionSet() = default;
  // REQUIRES ascending positions.
  explicit PositionSet(std::vector<std::uint64_t> sorted) : sorted_(std::move(sorted)) {}

  // The positions of the suffixes in some ranges. Memory: 8 bytes a position, or a bit a token of the text, which is at
  // most 64 bytes a position. Cost: one read of the array and, for many positions, one write of memory each; else a
  // sort. Throws IndexDamagedError.
  [[nodiscard]] static PositionSet gather(const Shard& shard, std::span<const SuffixRange> ranges, const Poll& poll);

  // Reads a set that must outlive it, forwards only.
  class Cursor {
   public:
    explicit Cursor(const PositionSet& set) : set_(&set) {}

    // Moves on to the first position that is not below `position`, unless it is there or beyond; returns where it is,
    // kNoPosition at the end. Cost: O(log of the positions passed); for bits, a 64th of the tokens passed.
    std::uint64_t at_least(std::uint64_t position);

    // Moves on to the first position that is not below `end`; returns how many were passed. Cost: as at_least().
    std::uint64_t count_to(std::uint64_t end);

   private:
    std::uint64_t sorted_at_least(std::uint64_t position);
    std::uint64_t bits_at_least(std::uint64_t position);

    const PositionSet* set_;
    std::uint64_t place_ = 0;  // in the sorted positions; or the bit up to which all is passed
  };

 private:
  std::vector<std::uint64_t> sorted_;
  std::vector<std::uint64_t> bits_;  // used when not empty
};

}  // namespace infgram
