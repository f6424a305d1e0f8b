#include "lm/interpolation.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace infgram {

double p_log_p_of(double p) { return p > 0 ? p * std::log(p) : 0; }

Interpolation::Interpolation(const ContextTree& tree, std::unique_ptr<const StepRule> rule)
    : tree_(tree), rule_(std::move(rule)), uniform_(1 / (static_cast<double>(tree.index().vocab_size()) + 1)) {}

void Interpolation::look_at(std::span<const Level> levels) {
  stages_.clear();
  for (const Level& level : levels) stages_.push_back({level, rule_->step(level), {}, 0});
}

double Interpolation::probability(RowCode code) const {
  double p = uniform_;
  for (const Stage& stage : stages_) {
    const std::size_t place = stage.level.rows->find(code);
    p = stage.step.passed_on(p);
    if (place != Rows::kAbsent) p += stage.step.gain(*stage.level.rows, place);
  }
  return p;
}

void Interpolation::fill(std::span<double> by_code) const {
  std::ranges::fill(by_code, uniform_);
  for (const auto& [level, step, probs, p_log_p] : stages_) {
    for (double& p : by_code) p = step.passed_on(p);
    for (std::size_t place = 0; place < level.rows->codes.size(); ++place) {
      by_code[level.rows->codes[place]] += step.gain(*level.rows, place);
    }
  }
}

// The sum of a level follows from that of the level below: only the level's own rows change otherwise than by the
// factor `rest`. So a level costs as much as it has rows, and once for all positions when its context has a node.
double Interpolation::p_log_p() {
  if (std::exchange(generation_, tree_.generation()) != tree_.generation()) kept_.clear();
  if (scratch_.size() < stages_.size()) scratch_.resize(stages_.size());
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    Stage& stage = stages_[i];
    if (stage.level.node == nullptr) {
      stage.p_log_p = compute(i, scratch_[i]);
      stage.probs = scratch_[i];
      continue;
    }
    auto kept = kept_.find(stage.level.node->serial);
    if (kept == kept_.end()) {
      Kept made;
      made.p_log_p = compute(i, made.probs);
      kept = kept_.emplace(stage.level.node->serial, std::move(made)).first;
    }
    stage.p_log_p = kept->second.p_log_p;
    stage.probs = kept->second.probs;
  }
  return stages_.back().p_log_p;
}

double Interpolation::compute(std::size_t i, std::vector<double>& probs) const {
  const Rows& rows = *stages_[i].level.rows;
  const Step& step = stages_[i].step;
  probs.resize(rows.codes.size());
  double own = 0;         // the rows' p ln p
  double below = 0;       // what it was in the level below
  double below_mass = 0;  // their probability there
  std::size_t at = 0;
  for (std::size_t place = 0; place < rows.codes.size(); ++place) {
    double p = uniform_;
    if (i > 0) {  // a row of a level is one of the level below
      const std::vector<RowCode>& codes = stages_[i - 1].level.rows->codes;
      const auto from = codes.begin() + static_cast<std::ptrdiff_t>(at);
      at = static_cast<std::size_t>(std::lower_bound(from, codes.end(), rows.codes[place]) - codes.begin());
      p = stages_[i - 1].probs[at];
    }
    below += p_log_p_of(p);
    below_mass += p;
    probs[place] = step.passed_on(p) + step.gain(rows, place);
    own += p_log_p_of(probs[place]);
  }
  const double all_below = i > 0 ? stages_[i - 1].p_log_p : std::log(uniform_);
  return own + step.rest * (all_below - below) + p_log_p_of(step.rest) * (1 - below_mass);
}

}  // namespace infgram
