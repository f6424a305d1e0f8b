#include "lm/step_rules.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace infgram {
namespace {

double real(std::uint64_t value) { return static_cast<double>(value); }

}  // namespace

Step Unsmoothed::step(const Level& level) const { return {.total = real(level.next_tokens->count_tally.total)}; }

Step WittenBell::step(const Level& level) const {
  const double n_distinct = real(level.next_tokens->codes.size());
  const double total = real(level.next_tokens->count_tally.total) + n_distinct;
  return {.total = total, .rest = n_distinct / total};
}

Step JelinekMercer::step(const Level& level) const {
  const double weight = weights_[class_of(level)];
  return {.total = real(level.next_tokens->count_tally.total) / weight,
          .rest = 1 - weight};  // a weight of 0 adds v / inf
}

std::size_t JelinekMercer::class_of(const Level& level) {
  const auto length = std::min<std::size_t>(level.longest, kLengths - 1);
  const auto count = static_cast<std::size_t>(std::bit_width(level.next_tokens->count_tally.total)) - 1;
  return length * kCounts + std::min(count, kCounts - 1);
}

}  // namespace infgram
