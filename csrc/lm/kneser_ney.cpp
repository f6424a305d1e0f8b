#include "lm/kneser_ney.hpp"

#include <algorithm>

namespace infgram {
namespace {

using Discounts = KneserNey::Discounts;

double real(std::uint64_t value) { return static_cast<double>(value); }

// The estimates of Chen and Goodman; if there are too few n-grams for them, the fallback of KenLM.
Discounts discounts_from(const CountsOfCounts& t) {
  constexpr Discounts kFallback = {0.5, 1.0, 1.5};
  if (std::ranges::find(t, 0U) != t.end()) return kFallback;
  const double y = real(t[0]) / (real(t[0]) + 2 * real(t[1]));
  Discounts discounts{};
  for (std::size_t i = 1; i <= 3; ++i) {
    discounts[i - 1] = real(i) - real(i + 1) * y * real(t[i]) / real(t[i - 1]);
    if (discounts[i - 1] < 0 || discounts[i - 1] > real(i)) return kFallback;
  }
  return discounts;
}

double sum(const Discounts& discounts, const Tally& tally) {
  double total = 0;
  for (std::size_t i = 0; i < 3; ++i) total += discounts[i] * real(tally.counts_of_counts[i]);
  return total;
}

}  // namespace

KneserNey::KneserNey(const NgramStatistics& statistics, std::uint64_t order)
    : order_(order), of_counts_(discounts_from(statistics.of_counts[std::min<std::uint64_t>(order, kSurveyedOrders)])) {
  for (std::size_t n = 1; n <= kSurveyedOrders; ++n)
    of_left_extensions_[n] = discounts_from(statistics.of_left_extensions[n]);
}

const Discounts& KneserNey::of_left_extensions(std::uint64_t order) const {
  return of_left_extensions_[std::min<std::uint64_t>(order, kSurveyedOrders)];
}

Step KneserNey::step(const Level& level) const {
  const bool has_counts = level.longest + 1 == order_;
  const Discounts& discounts = has_counts ? of_counts_ : of_left_extensions(level.longest + 1);
  const Tally& tally = has_counts ? level.next_tokens->count_tally : level.next_tokens->left_extension_tally;
  if (tally.total == 0) return {.rest = 1, .uses_left_extensions = true};  // no token of the corpus has one before it
  // In the shorter suffixes of the level all left-extension counts are 1: p = (1 - d) / n_distinct + d p' for each.
  double shorter_rest = 1;
  const std::uint64_t end = std::min(level.longest, kPassingOn);
  for (std::uint64_t length = level.shortest; length < end; ++length) shorter_rest *= of_left_extensions(length + 1)[0];
  const double rest = sum(discounts, tally) / real(tally.total);
  return {.total = real(tally.total),
          .rest = rest * shorter_rest,
          .bonus = rest * (1 - shorter_rest) / real(level.next_tokens->codes.size()),
          .discounts = discounts,
          .uses_left_extensions = !has_counts};
}

}  // namespace infgram
