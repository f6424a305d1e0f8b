// What a smoothing method does at one position.
#pragma once

#include <span>

#include "lm/suffix_chain.hpp"

namespace infgram {

// Combines the levels of a position into probabilities of all rows. Keeps what it computed for contexts met before,
// so one thread at a time, which holds the tree's mutex.
class Predictor {
 public:
  virtual ~Predictor() = default;

  // Whether levels must have rows.lefts.
  [[nodiscard]] virtual bool uses_lefts() const { return false; }

  // Goes to a position; what follows is about it. REQUIRES at least the level of the empty suffix, and levels that
  // stay valid.
  virtual void look_at(std::span<const Level> levels) = 0;

  [[nodiscard]] virtual double probability(RowCode code) const = 0;

  // The probability of each code, [0..vocab_size].
  virtual void fill(std::span<double> by_code) const = 0;

  // The sum of p ln p over all rows; NaN where the method gives no probabilities.
  [[nodiscard]] virtual double p_log_p() = 0;
};

// 0 where p is.
[[nodiscard]] double p_log_p_of(double p);

}  // namespace infgram
