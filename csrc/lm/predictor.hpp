// The interface of a smoothing method.
#pragma once

#include <span>

#include "lm/suffix_chain.hpp"

namespace infgram {

// Turns the levels of a position into probabilities of all next tokens. Caches results for contexts met before. Not
// thread-safe: hold the tree's mutex.
class Predictor {
 public:
  virtual ~Predictor() = default;

  // Whether levels must have next_tokens.left_extension_counts.
  [[nodiscard]] virtual bool uses_left_extensions() const { return false; }

  // Moves to a position; the other methods refer to it. REQUIRES at least the level of the empty suffix. The levels
  // must stay valid.
  virtual void set_levels(std::span<const Level> levels) = 0;

  [[nodiscard]] virtual double probability(TokenCode code) const = 0;

  // Writes the probability of each code in [0, vocab_size].
  virtual void fill(std::span<double> by_code) const = 0;

  // The sum of p ln p over all next tokens; NaN if the method gives no probabilities.
  [[nodiscard]] virtual double p_log_p() = 0;
};

// p ln p; 0 for p = 0.
[[nodiscard]] double p_log_p_of(double p);

}  // namespace infgram
