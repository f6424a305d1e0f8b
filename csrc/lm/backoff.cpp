#include "lm/backoff.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>
#include <utility>

namespace infgram {

double StupidBackoff::probability(RowCode code) const {
  double factor = 1;
  for (const Level& level : levels_ | std::views::reverse) {
    const std::uint64_t count = level.rows->count_of(code);
    if (count > 0) return factor * static_cast<double>(count) / static_cast<double>(level.rows->count_tally.total);
    factor *= kFactor;
  }
  return 0;
}

void StupidBackoff::fill(std::span<double> by_code) const {
  std::ranges::fill(by_code, 0);
  for (const Level& level : levels_) {
    for (double& score : by_code) score *= kFactor;
    for (std::size_t place = 0; place < level.rows->codes.size(); ++place) {
      by_code[level.rows->codes[place]] =
          static_cast<double>(level.rows->counts[place]) / static_cast<double>(level.rows->count_tally.total);
    }
  }
}

double StupidBackoff::p_log_p() { return std::numeric_limits<double>::quiet_NaN(); }

Ppm::Sums Ppm::Sums::operator-(const Sums& other) const {
  return {n_rows - other.n_rows, count - other.count, c_log_c - other.c_log_c};
}

void Ppm::look_at(std::span<const Level> levels) {
  if (std::exchange(generation_, tree_.generation()) != tree_.generation()) kept_.clear();
  const auto certain = std::ranges::find_if(levels, [](const Level& level) { return level.rows->codes.size() == 1; });
  if (certain != levels.end()) levels = levels.first(static_cast<std::size_t>(certain - levels.begin()) + 1);
  stages_.clear();
  double mass = 1;  // of the rows that no longer level has
  Sums above;       // those that one has, as this level counts them
  for (std::size_t i = levels.size(); i-- > 0;) {
    const Kept sums = kept(levels, i);
    const Sums left = sums.own - above;
    above = sums.in_level_below;
    if (left.n_rows == 0) continue;
    stages_.push_back({levels[i], mass / left.count, left});
    mass *= discount(levels[i]) * left.n_rows / left.count;
  }
  n_unseen_ = static_cast<double>(n_codes_ - levels.front().rows->codes.size());
  unseen_ = n_unseen_ > 0 ? mass / n_unseen_ : 0;
}

double Ppm::probability(RowCode code) const {
  for (const Stage& stage : stages_) {
    const std::uint64_t count = stage.level.rows->count_of(code);
    if (count > 0) return stage.scale * (static_cast<double>(count) - discount(stage.level));
  }
  return unseen_;
}

void Ppm::fill(std::span<double> by_code) const {
  std::ranges::fill(by_code, unseen_);
  for (const Stage& stage : stages_ | std::views::reverse) {
    const Rows& rows = *stage.level.rows;
    for (std::size_t place = 0; place < rows.codes.size(); ++place) {
      by_code[rows.codes[place]] = stage.scale * (static_cast<double>(rows.counts[place]) - discount(stage.level));
    }
  }
}

double Ppm::p_log_p() {
  double total = n_unseen_ * p_log_p_of(unseen_);
  for (const auto& [level, scale, left] : stages_) {
    total += scale * (left.c_log_c + (left.count - discount(level) * left.n_rows) * std::log(scale));
  }
  return total;
}

// A level that has every row escapes to none.
double Ppm::discount(const Level& level) const { return level.rows->codes.size() == n_codes_ ? 0 : 0.5; }

Ppm::Kept Ppm::kept(std::span<const Level> levels, std::size_t i) {
  const ContextNode* const node = levels[i].node;
  if (node != nullptr) {
    const auto known = kept_.find(node->serial);
    if (known != kept_.end()) return known->second;
  }
  const Kept sums{own(levels[i]), i > 0 ? shared(levels[i], levels[i - 1]) : Sums{}};
  if (node != nullptr) kept_.emplace(node->serial, sums);
  return sums;
}

Ppm::Sums Ppm::own(const Level& level) const {
  Sums sums{static_cast<double>(level.rows->codes.size()), static_cast<double>(level.rows->count_tally.total), 0};
  for (const std::uint64_t count : level.rows->counts) {
    sums.c_log_c += p_log_p_of(static_cast<double>(count) - discount(level));
  }
  return sums;
}

Ppm::Sums Ppm::shared(const Level& level, const Level& below) const {
  Sums sums;
  for (const RowCode code : level.rows->codes) {
    const auto count = static_cast<double>(below.rows->count_of(code));
    sums.n_rows += 1;
    sums.count += count;
    sums.c_log_c += p_log_p_of(count - discount(below));
  }
  return sums;
}

}  // namespace infgram
