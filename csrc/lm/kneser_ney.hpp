// Modified Kneser-Ney smoothing, of an order or of none.
#pragma once

#include <array>
#include <cstdint>

#include "lm/interpolation.hpp"
#include "lm/ngram_statistics.hpp"

namespace infgram {

// Interpolated: Chen and Goodman, "An empirical study of smoothing techniques for language modeling", 1998. In a model
// of order n suffixes of n - 1 tokens have their counts, shorter ones continuation counts. Without an order all have
// continuation counts: the limit for a large n, where no suffix is long enough. (A longest suffix that occurs follows a
// token that it never followed in the corpus; continuation counts are made for that.)
//
// Inside a long copied passage each length would discount once more, until nothing is left for a passage that ends. So
// suffixes of kPassingOn tokens or more that only ever have one token before them take no part.
class KneserNey final : public StepRule {
 public:
  static constexpr std::uint64_t kPassingOn = 128;  // tokens

  using Discounts = std::array<double, 3>;  // of the values 1, 2, and 3 or more

  // `order` 0 for none.
  KneserNey(const NgramStatistics& statistics, std::uint64_t order);
  [[nodiscard]] bool uses_lefts() const override { return true; }
  [[nodiscard]] Step step(const Level& level) const override;

 private:
  // Of n-grams of so many tokens with their continuation counts.
  [[nodiscard]] const Discounts& of_lefts(std::uint64_t order) const;

  std::uint64_t order_;
  Discounts of_counts_;  // of n-grams of `order_` tokens
  std::array<Discounts, kSurveyedOrders + 1> of_lefts_;
};

}  // namespace infgram
