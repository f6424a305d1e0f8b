// What follows a context, with the numbers that smoothing needs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"

namespace infgram {

// A row's code: 0 for the end of the document, a token's id + 1. Ascends as rows do.
using RowCode = std::uint32_t;

[[nodiscard]] inline RowCode code_of(RowId row) { return static_cast<RowCode>(row + 1); }

// How many rows have a value of 1, of 2, and of 3 or more; the sum of all values and the largest.
struct Tally {
  std::uint64_t total = 0;
  std::uint64_t largest = 0;
  std::array<std::uint64_t, 3> n_rows = {0, 0, 0};

  void add(std::uint64_t value) {
    total += value;
    largest = std::max(largest, value);
    if (value > 0) ++n_rows[std::min<std::uint64_t>(value, 3) - 1];
  }
  [[nodiscard]] std::uint64_t n_distinct() const { return n_rows[0] + n_rows[1] + n_rows[2]; }
};

// The rows of one context h, ascending by code. `lefts` are continuation counts: how many different tokens stand
// before h x, the start of a document being one more; where no token does, the count of h x. They are empty until
// ContextTree::count_lefts() was called.
struct Rows {
  std::vector<RowCode> codes;
  std::vector<std::uint64_t> counts;
  std::vector<std::uint64_t> lefts;
  Tally count_tally;
  Tally left_tally;

  static constexpr std::size_t kAbsent = ~std::size_t{0};

  // The place of a row, or kAbsent. Cost: O(log n).
  [[nodiscard]] std::size_t find(RowCode code) const {
    const auto place = std::ranges::lower_bound(codes, code);
    return place != codes.end() && *place == code ? static_cast<std::size_t>(place - codes.begin()) : kAbsent;
  }

  [[nodiscard]] std::uint64_t count_of(RowCode code) const {
    const std::size_t place = find(code);
    return place == kAbsent ? 0 : counts[place];
  }

  void clear() { *this = Rows{}; }
};

}  // namespace infgram
