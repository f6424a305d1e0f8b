// Reproducible random samples.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_set>
#include <vector>

namespace infgram {

// The finalizer of splitmix64, which turns equidistant states into pseudo-random numbers (Steele, Lea, Flood, "Fast
// splittable pseudorandom number generators", 2014).
inline constexpr std::uint64_t kSplitmix64Step = 0x9E3779B97F4A7C15;

[[nodiscard]] constexpr std::uint64_t splitmix64(std::uint64_t state) {
  std::uint64_t x = state;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

// The place of one part's items among those of all parts of a larger index. Each part draws the same sample of all
// items and keeps its own.
struct Frame {
  std::uint64_t before;  // items in earlier parts
  std::uint64_t total;   // items in all parts
};

// Returns `size` distinct integers below `bound`, ascending; every subset of that size is equally likely. (Floyd's
// algorithm: Bentley, "A sample of brilliance", CACM 30, 1987.) The bias of the modulo is below bound / 2^64. Cost:
// O(size log size). REQUIRES size <= bound.
[[nodiscard]] inline std::vector<std::uint64_t> random_sample(std::uint64_t bound, std::uint64_t size,
                                                              std::uint64_t seed) {
  std::uint64_t state = seed;
  std::unordered_set<std::uint64_t> chosen;
  chosen.reserve(size);
  for (std::uint64_t i = bound - size; i < bound; ++i) {
    const std::uint64_t drawn = splitmix64(state += kSplitmix64Step) % (i + 1);
    if (!chosen.insert(drawn).second) chosen.insert(i);
  }
  std::vector<std::uint64_t> ascending(chosen.begin(), chosen.end());
  std::ranges::sort(ascending);
  return ascending;
}

}  // namespace infgram
