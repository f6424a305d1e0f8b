// The smoothing rules that need only the counts of the level.
#pragma once

#include <cstdint>
#include <vector>

#include "lm/smoothing.hpp"

namespace infgram {

// No smoothing: the longest suffix alone (the ∞-gram).
class Unsmoothed final : public StepRule {
 public:
  [[nodiscard]] Step step(const Level& level) const override;
};

// Witten and Bell, "The zero-frequency problem", IEEE Trans. Inf. Theory 37, 1991, method C: a context reserves as much
// mass for unseen tokens as it has distinct next tokens, and passes it to the shorter context. A level counts as one
// context.
class WittenBell final : public StepRule {
 public:
  [[nodiscard]] Step step(const Level& level) const override;
};

// Jelinek and Mercer, "Interpolated estimation of Markov source parameters from sparse data", 1980: each level has a
// weight that depends on its length and its count.
class JelinekMercer final : public StepRule {
 public:
  static constexpr std::size_t kLengths = 12;  // classes of suffix length: 0, 1, …, 10, more
  static constexpr std::size_t kCounts = 24;   // classes of count: 1, 2 to 3, 4 to 7, …, 2^23 and more

  // weights[i] is the weight of class i, in [0, 1]. REQUIRES kLengths * kCounts weights.
  explicit JelinekMercer(std::vector<double> weights) : weights_(std::move(weights)) {}
  [[nodiscard]] Step step(const Level& level) const override;

  [[nodiscard]] static std::size_t class_of(const Level& level);

 private:
  std::vector<double> weights_;
};

}  // namespace infgram
