// The next tokens of a context, with the counts that smoothing needs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"

namespace infgram {

// The sum of some values, the largest, and how many values are 1, 2, and 3 or more.
struct Tally {
  std::uint64_t total = 0;
  std::uint64_t largest = 0;
  std::array<std::uint64_t, 3> counts_of_counts = {0, 0, 0};

  void add(std::uint64_t value) {
    total += value;
    largest = std::max(largest, value);
    if (value > 0) ++counts_of_counts[std::min<std::uint64_t>(value, 3) - 1];
  }
  [[nodiscard]] std::uint64_t n_distinct() const {
    return counts_of_counts[0] + counts_of_counts[1] + counts_of_counts[2];
  }
};

// The next tokens of a context h, ascending by code. The left-extension count of h x is N1+(• h x), the number of
// distinct tokens that precede h x (Kneser-Ney's continuation count). The start of a document counts as one more token;
// if no token precedes h x, it is the count of h x. Left-extension counts are empty until
// ContextTree::count_left_extensions() is called.
struct NextTokenCounts {
  std::vector<TokenCode> codes;
  std::vector<std::uint64_t> counts;
  std::vector<std::uint64_t> left_extension_counts;
  Tally count_tally;
  Tally left_extension_tally;

  static constexpr std::size_t kAbsent = ~std::size_t{0};

  // Returns the place of a next token, or kAbsent. Cost: O(log n).
  [[nodiscard]] std::size_t find(TokenCode code) const {
    const auto place = std::ranges::lower_bound(codes, code);
    return place != codes.end() && *place == code ? static_cast<std::size_t>(place - codes.begin()) : kAbsent;
  }

  [[nodiscard]] std::uint64_t count_of(TokenCode code) const {
    const std::size_t place = find(code);
    return place == kAbsent ? 0 : counts[place];
  }

  void clear() { *this = NextTokenCounts{}; }
};

}  // namespace infgram
