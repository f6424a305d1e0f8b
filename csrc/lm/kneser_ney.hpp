// Modified Kneser-Ney smoothing, with fixed or unbounded order.
#pragma once

#include <array>
#include <cstdint>

#include "lm/ngram_statistics.hpp"
#include "lm/smoothing.hpp"

namespace infgram {

// The interpolated form of Chen and Goodman, "An empirical study of smoothing techniques for language modeling", 1998.
// In a model of order n, suffixes of n - 1 tokens use counts, shorter ones left-extension counts. With unbounded order
// all suffixes use left-extension counts: the limit for large n, where no suffix is long enough. (The longest suffix
// that occurs follows a token that it never followed in the corpus; left-extension counts model this case.)
//
// Inside a long copied passage, every length would discount once more, until no mass is left. So suffixes of kPassingOn
// tokens or more that only ever follow one token are skipped.
class KneserNey final : public StepRule {
 public:
  static constexpr std::uint64_t kPassingOn = 128;  // tokens

  using Discounts = std::array<double, 3>;  // for values of 1, 2, and 3 or more

  // `order` is 0 for unbounded.
  KneserNey(const NgramStatistics& statistics, std::uint64_t order);
  [[nodiscard]] bool uses_left_extensions() const override { return true; }
  [[nodiscard]] Step step(const Level& level) const override;

 private:
  // For n-grams of `order` tokens, by left-extension count.
  [[nodiscard]] const Discounts& of_left_extensions(std::uint64_t order) const;

  std::uint64_t order_;
  Discounts of_counts_;  // for n-grams of `order_` tokens
  std::array<Discounts, kSurveyedOrders + 1> of_left_extensions_;
};

}  // namespace infgram
