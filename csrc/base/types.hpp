// The units of the whole core. Positions and ranks are different types, so that one is never used for the other.
#pragma once

#include <compare>
#include <cstdint>

namespace infgram {

// A vocabulary entry, in [0, vocab_size). Stored in 8, 16 or 32 bits; the all-ones code of that width is the separator.
using TokenId = std::uint32_t;

// A next-token row's id: a TokenId, or kEndOfDocument.
using RowId = std::int64_t;
inline constexpr RowId kEndOfDocument = -1;

// A place in one shard's token file, counted in tokens with separators included: [0, n_tokens + n_documents).
struct Position {
  std::uint64_t value = 0;
  auto operator<=>(const Position&) const = default;
};

// A place in one shard's suffix array: [0, n_tokens).
struct Rank {
  std::uint64_t value = 0;
  auto operator<=>(const Rank&) const = default;
};

// The ranks [lo, hi) of the suffixes that begin with some pattern; empty when lo == hi.
struct SuffixRange {
  std::uint64_t lo = 0;
  std::uint64_t hi = 0;
  [[nodiscard]] std::uint64_t count() const { return hi - lo; }
  [[nodiscard]] bool empty() const { return lo == hi; }
  bool operator==(const SuffixRange&) const = default;
};

}  // namespace infgram
