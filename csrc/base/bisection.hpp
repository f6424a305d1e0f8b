// Bisection of a range of integers.
#pragma once

#include <cstdint>

namespace infgram {

// Returns the first i in [lo, hi) for which is_before(i) is false, or hi. Cost: O(log(hi - lo)) calls.
// REQUIRES that is_before is true up to some i and false from there on. The result is in [lo, hi] for any is_before.
template <class F>
[[nodiscard]] std::uint64_t bisect(std::uint64_t lo, std::uint64_t hi, F&& is_before) {
  while (lo < hi) {
    const std::uint64_t middle = lo + (hi - lo) / 2;
    if (is_before(middle)) {
      lo = middle + 1;
    } else {
      hi = middle;
    }
  }
  return lo;
}

}  // namespace infgram
