// A set of positions that counts the members before a position.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/concepts.hpp"
#include "base/large_array.hpp"

namespace infgram {

// A bitmap with the number of preceding members beside every word: two bits per position, one cache miss per query.
// Word is 32 or 64 bits wide and holds the number of positions.
template <StoredPosition Word>
class RankBitmap {
 public:
  // The number of positions per word. Threads may insert into different words concurrently.
  static constexpr std::uint64_t kWordBits = std::numeric_limits<Word>::digits;

  RankBitmap() = default;
  explicit RankBitmap(std::uint64_t size) : entries_(size / kWordBits + 1) {}

  void insert(Position position) { entries_[position / kWordBits].bits |= bit(position); }

  [[nodiscard]] bool contains(Position position) const {
    return (entries_[position / kWordBits].bits & bit(position)) != 0;
  }

  // Prepares rank(), once all members are inserted. Returns their number.
  std::uint64_t count() {
    Word n = 0;
    for (Entry& entry : entries_) {
      entry.n_before = n;
      n += static_cast<Word>(std::popcount(entry.bits));
    }
    return n;
  }

  // The number of members before `position`. REQUIRES that count() was called.
  [[nodiscard]] Word rank(Position position) const {
    const Entry& entry = entries_[position / kWordBits];
    return entry.n_before + static_cast<Word>(std::popcount(static_cast<Word>(entry.bits & (bit(position) - 1))));
  }

  void prefetch(Position position) const { __builtin_prefetch(&entries_[position / kWordBits]); }

  // Calls f(position) for every member in [begin, end), in ascending order.
  template <PositionVisitor F>
  void for_each(std::uint64_t begin, std::uint64_t end, F&& f) const {
    for (std::uint64_t word = begin / kWordBits; word * kWordBits < end; ++word) {
      for (Word bits = entries_[word].bits; bits != 0; bits &= bits - 1) {
        const Position position = word * kWordBits + static_cast<std::uint64_t>(std::countr_zero(bits));
        if (position >= begin && position < end) f(position);
      }
    }
  }

 private:
  struct Entry {
    Word n_before;
    Word bits;
  };

  static Word bit(Position position) { return Word{1} << (position % kWordBits); }

  LargeArray<Entry> entries_;
};

}  // namespace infgram
