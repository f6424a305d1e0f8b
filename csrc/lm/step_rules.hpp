// The interpolated methods that need the counts of the level alone.
#pragma once

#include <cstdint>
#include <vector>

#include "lm/interpolation.hpp"

namespace infgram {

// The ∞-gram: the longest suffix alone.
class Unsmoothed final : public StepRule {
 public:
  [[nodiscard]] Step step(const Level& level) const override;
};

// Witten and Bell, "The zero-frequency problem", IEEE Trans. Inf. Theory 37, 1991, method C: a context keeps as much
// for what it was not seen with as it has different continuations, and gives it to the shorter one. A level is one
// context.
class WittenBell final : public StepRule {
 public:
  [[nodiscard]] Step step(const Level& level) const override;
};

// Jelinek and Mercer, "Interpolated estimation of Markov source parameters from sparse data", 1980: each level has a
// weight, which depends on its length and its count.
class JelinekMercer final : public StepRule {
 public:
  static constexpr std::size_t kLengths = 12;  // of the longest suffix: 0, 1, …, 10, more
  static constexpr std::size_t kCounts = 24;   // 1, 2 to 3, 4 to 7, …, 2^23 and more

  // The weight of class i, in [0, 1], at i. REQUIRES kLengths * kCounts of them.
  explicit JelinekMercer(std::vector<double> weights) : weights_(std::move(weights)) {}
  [[nodiscard]] Step step(const Level& level) const override;

  [[nodiscard]] static std::size_t class_of(const Level& level);

 private:
  std::vector<double> weights_;
};

}  // namespace infgram
