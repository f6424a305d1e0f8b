// A set of positions that tells how many of its members lie up to a position.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/large_array.hpp"

namespace infgram {

// A bit a position, and beside every word of bits the number of members before it: two bits a position, one cache miss
// a question. Word is 32 or 64 bits wide and holds the number of positions.
template <class Word>
class RankBitmap {
 public:
  // The bits that one word holds; threads that insert into different words do not disturb each other.
  static constexpr std::uint64_t kWordBits = std::numeric_limits<Word>::digits;

  RankBitmap() = default;
  explicit RankBitmap(std::uint64_t size) : entries_(size / kWordBits + 1) {}

  void insert(std::uint64_t position) { entries_[position / kWordBits].bits |= bit(position); }

  [[nodiscard]] bool contains(std::uint64_t position) const {
    return (entries_[position / kWordBits].bits & bit(position)) != 0;
  }

  // Counts the members, when all are in. Returns how many there are.
  std::uint64_t count() {
    Word n = 0;
    for (Entry& entry : entries_) {
      entry.n_before = n;
      n += static_cast<Word>(std::popcount(entry.bits));
    }
    return n;
  }

  // The number of members before `position`. REQUIRES count().
  [[nodiscard]] Word rank(std::uint64_t position) const {
    const Entry& entry = entries_[position / kWordBits];
    return entry.n_before + static_cast<Word>(std::popcount(static_cast<Word>(entry.bits & (bit(position) - 1))));
  }

  void prefetch(std::uint64_t position) const { __builtin_prefetch(&entries_[position / kWordBits]); }

  // Calls f(position) for every member in [begin, end), in ascending order.
  template <class F>
  void for_each(std::uint64_t begin, std::uint64_t end, F&& f) const {
    for (std::uint64_t word = begin / kWordBits; word * kWordBits < end; ++word) {
      for (Word bits = entries_[word].bits; bits != 0; bits &= bits - 1) {
        const std::uint64_t position = word * kWordBits + static_cast<std::uint64_t>(std::countr_zero(bits));
        if (position >= begin && position < end) f(position);
      }
    }
  }

 private:
  struct Entry {
    Word n_before;
    Word bits;
  };

  static Word bit(std::uint64_t position) { return Word{1} << (position % kWordBits); }

  LargeArray<Entry> entries_;
};

}  // namespace infgram
