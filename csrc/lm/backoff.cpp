#include "lm/backoff.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>
#include <utility>

namespace infgram {

double StupidBackoff::probability(TokenCode code) const {
  double factor = 1;
  for (const Level& level : levels_ | std::views::reverse) {
    const std::uint64_t count = level.next_tokens->count_of(code);
    if (count > 0)
      return factor * static_cast<double>(count) / static_cast<double>(level.next_tokens->count_tally.total);
    factor *= kFactor;
  }
  return 0;
}

void StupidBackoff::fill(std::span<double> by_code) const {
  std::ranges::fill(by_code, 0);
  for (const Level& level : levels_) {
    for (double& score : by_code) score *= kFactor;
    for (std::size_t place = 0; place < level.next_tokens->codes.size(); ++place) {
      by_code[level.next_tokens->codes[place]] = static_cast<double>(level.next_tokens->counts[place]) /
                                                 static_cast<double>(level.next_tokens->count_tally.total);
    }
  }
}

double StupidBackoff::p_log_p() { return std::numeric_limits<double>::quiet_NaN(); }

Ppm::Sums Ppm::Sums::operator-(const Sums& other) const {
  return {n_next_tokens - other.n_next_tokens, count - other.count, c_log_c - other.c_log_c};
}

void Ppm::set_levels(std::span<const Level> levels) {
  if (std::exchange(generation_, tree_.generation()) != tree_.generation()) cache_.clear();
  const auto certain =
      std::ranges::find_if(levels, [](const Level& level) { return level.next_tokens->codes.size() == 1; });
  if (certain != levels.end()) levels = levels.first(static_cast<std::size_t>(certain - levels.begin()) + 1);
  stages_.clear();
  double mass = 1;  // of the next tokens that no longer level has
  Sums above;       // of those that a longer level has, with their counts in this level
  for (std::size_t i = levels.size(); i-- > 0;) {
    const Cached sums = cached(levels, i);
    const Sums remaining = sums.own - above;
    above = sums.in_level_below;
    if (remaining.n_next_tokens == 0) continue;
    stages_.push_back({levels[i], mass / remaining.count, remaining});
    mass *= discount(levels[i]) * remaining.n_next_tokens / remaining.count;
  }
  n_unseen_ = static_cast<double>(n_codes_ - levels.front().next_tokens->codes.size());
  unseen_ = n_unseen_ > 0 ? mass / n_unseen_ : 0;
}

double Ppm::probability(TokenCode code) const {
  for (const Stage& stage : stages_) {
    const std::uint64_t count = stage.level.next_tokens->count_of(code);
    if (count > 0) return stage.scale * (static_cast<double>(count) - discount(stage.level));
  }
  return unseen_;
}

void Ppm::fill(std::span<double> by_code) const {
  std::ranges::fill(by_code, unseen_);
  for (const Stage& stage : stages_ | std::views::reverse) {
    const NextTokenCounts& next_tokens = *stage.level.next_tokens;
    for (std::size_t place = 0; place < next_tokens.codes.size(); ++place) {
      by_code[next_tokens.codes[place]] =
          stage.scale * (static_cast<double>(next_tokens.counts[place]) - discount(stage.level));
    }
  }
}

double Ppm::p_log_p() {
  double total = n_unseen_ * p_log_p_of(unseen_);
  for (const auto& [level, scale, remaining] : stages_) {
    total +=
        scale * (remaining.c_log_c + (remaining.count - discount(level) * remaining.n_next_tokens) * std::log(scale));
  }
  return total;
}

// A level with every next token leaves no mass for an escape.
double Ppm::discount(const Level& level) const { return level.next_tokens->codes.size() == n_codes_ ? 0 : 0.5; }

Ppm::Cached Ppm::cached(std::span<const Level> levels, std::size_t i) {
  const ContextNode* const node = levels[i].node;
  if (node != nullptr) {
    const auto known = cache_.find(node->serial);
    if (known != cache_.end()) return known->second;
  }
  const Cached sums{own(levels[i]), i > 0 ? shared(levels[i], levels[i - 1]) : Sums{}};
  if (node != nullptr) cache_.emplace(node->serial, sums);
  return sums;
}

Ppm::Sums Ppm::own(const Level& level) const {
  Sums sums{static_cast<double>(level.next_tokens->codes.size()),
            static_cast<double>(level.next_tokens->count_tally.total), 0};
  for (const std::uint64_t count : level.next_tokens->counts) {
    sums.c_log_c += p_log_p_of(static_cast<double>(count) - discount(level));
  }
  return sums;
}

Ppm::Sums Ppm::shared(const Level& level, const Level& below) const {
  Sums sums;
  for (const TokenCode code : level.next_tokens->codes) {
    const auto count = static_cast<double>(below.next_tokens->count_of(code));
    sums.n_next_tokens += 1;
    sums.count += count;
    sums.c_log_c += p_log_p_of(count - discount(below));
  }
  return sums;
}

}  // namespace infgram
