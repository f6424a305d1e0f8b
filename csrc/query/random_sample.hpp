// Numbers drawn at random, the same for the same seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_set>
#include <vector>

namespace infgram {

// Uniform pseudo-random integers: splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
// 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  // In [0, bound). REQUIRES bound > 0.
  std::uint64_t below(std::uint64_t bound) {
    const std::uint64_t unfair = (0 - bound) % bound;  // so many of the lowest values would make some results likelier
    std::uint64_t x = next();
    while (x < unfair) x = next();
    return x % bound;
  }

 private:
  std::uint64_t next() {
    std::uint64_t x = state_ += 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  }

  std::uint64_t state_;
};

// `size` distinct integers below `bound`, every set of so many being equally likely; ascending. (Floyd's algorithm:
// Bentley, "A sample of brilliance", CACM 30, 1987.) Cost: O(size log size). REQUIRES size <= bound.
inline std::vector<std::uint64_t> random_sample(std::uint64_t bound, std::uint64_t size, std::uint64_t seed) {
  Random random(seed);
  std::unordered_set<std::uint64_t> chosen;
  chosen.reserve(size);
  for (std::uint64_t i = bound - size; i < bound; ++i) {
    if (!chosen.insert(random.below(i + 1)).second) chosen.insert(i);
  }
  std::vector<std::uint64_t> ascending(chosen.begin(), chosen.end());
  std::ranges::sort(ascending);
  return ascending;
}

}  // namespace infgram
