// The positions of all suffixes, in order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/types.hpp"
#include "storage/packed_array.hpp"

namespace infgram {

// A view of stored positions, some of which may be stored at another place than their rank. The memory must outlive it.
class SuffixArray {
 public:
  // From rank `begin` to that of the next piece, the positions are stored from place `place` on.
  struct Piece {
    Rank begin;
    std::uint64_t place;
  };

  SuffixArray() = default;
  explicit SuffixArray(const PackedArray& stored) : stored_(stored) {}
  // `pieces` ascend from rank 0; empty if every position is stored at its rank. REQUIRES that they permute the places.
  SuffixArray(const PackedArray& stored, std::vector<Piece> pieces) : SuffixArray(stored) {
    pieces_ = std::move(pieces);
    while (stored.size() >> bucket_bits_ >= kBuckets) ++bucket_bits_;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      if (pieces_[i].begin == pieces_[i].place) continue;
      const Rank last = (i + 1 < pieces_.size() ? pieces_[i + 1].begin : stored.size()) - 1;
      for (std::uint64_t b = pieces_[i].begin >> bucket_bits_; b <= last >> bucket_bits_; ++b) {
        buckets_ |= std::uint64_t{1} << b;
      }
    }
  }

  // Cost: one unaligned load, and O(log pieces) near displaced positions. REQUIRES rank < size().
  [[nodiscard]] Position operator[](Rank rank) const { return stored_[place_of(rank)]; }

  // The address at which the position is stored, for prefetching.
  [[nodiscard]] const std::byte* address(Rank rank) const { return stored_.address(place_of(rank)); }

  [[nodiscard]] std::uint64_t size() const { return stored_.size(); }
  [[nodiscard]] const PackedArray& stored() const { return stored_; }

 private:
  static constexpr std::uint64_t kBuckets = 64;

  [[nodiscard]] std::uint64_t place_of(Rank rank) const {
    if (buckets_ == 0 || (buckets_ >> (rank >> bucket_bits_) & 1) == 0) return rank;
    const auto next = std::ranges::upper_bound(pieces_, rank, {}, &Piece::begin);
    return rank - std::prev(next)->begin + std::prev(next)->place;
  }

  PackedArray stored_;
  std::vector<Piece> pieces_;
  // Bit b is set if ranks from b * 2^bucket_bits_ on, as many, may be displaced.
  std::uint64_t buckets_ = 0;
  unsigned bucket_bits_ = 0;
};

}  // namespace infgram
