#include "lm/smoothing.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace infgram {

double p_log_p_of(double p) { return p > 0 ? p * std::log(p) : 0; }

InterpolatedSmoothing::InterpolatedSmoothing(const ContextTree& tree, std::unique_ptr<const StepRule> rule)
    : tree_(tree), rule_(std::move(rule)), uniform_(1 / (static_cast<double>(tree.index().vocab_size()) + 1)) {}

void InterpolatedSmoothing::set_levels(std::span<const Level> levels) {
  stages_.clear();
  for (const Level& level : levels) stages_.push_back({level, rule_->step(level), {}, 0});
}

double InterpolatedSmoothing::probability(TokenCode code) const {
  double p = uniform_;
  for (const Stage& stage : stages_) {
    const std::size_t place = stage.level.next_tokens->find(code);
    p = stage.step.passed_on(p);
    if (place != NextTokenCounts::kAbsent) p += stage.step.gain(*stage.level.next_tokens, place);
  }
  return p;
}

void InterpolatedSmoothing::fill(std::span<double> by_code) const {
  std::ranges::fill(by_code, uniform_);
  for (const auto& [level, step, probs, p_log_p] : stages_) {
    for (double& p : by_code) p = step.passed_on(p);
    for (std::size_t place = 0; place < level.next_tokens->codes.size(); ++place) {
      by_code[level.next_tokens->codes[place]] += step.gain(*level.next_tokens, place);
    }
  }
}

// The sum of a level follows from that of the level below: p changes by the factor `rest`, except for the level's own
// next tokens. So a level costs as much as it has next tokens, and is computed once per node.
double InterpolatedSmoothing::p_log_p() {
  if (std::exchange(generation_, tree_.generation()) != tree_.generation()) cache_.clear();
  if (scratch_.size() < stages_.size()) scratch_.resize(stages_.size());
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    Stage& stage = stages_[i];
    if (stage.level.node == nullptr) {
      stage.p_log_p = compute(i, scratch_[i]);
      stage.probs = scratch_[i];
      continue;
    }
    auto cached = cache_.find(stage.level.node->serial);
    if (cached == cache_.end()) {
      Cached made;
      made.p_log_p = compute(i, made.probs);
      cached = cache_.emplace(stage.level.node->serial, std::move(made)).first;
    }
    stage.p_log_p = cached->second.p_log_p;
    stage.probs = cached->second.probs;
  }
  return stages_.back().p_log_p;
}

double InterpolatedSmoothing::compute(std::size_t i, std::vector<double>& probs) const {
  const NextTokenCounts& next_tokens = *stages_[i].level.next_tokens;
  const Step& step = stages_[i].step;
  probs.resize(next_tokens.codes.size());
  double own = 0;         // p ln p, over the level's next tokens
  double below = 0;       // the same in the level below
  double below_mass = 0;  // their probability in the level below
  std::size_t at = 0;
  for (std::size_t place = 0; place < next_tokens.codes.size(); ++place) {
    double p = uniform_;
    if (i > 0) {  // the next tokens of a level are a subset of those of the level below
      const std::vector<TokenCode>& codes = stages_[i - 1].level.next_tokens->codes;
      const auto from = codes.begin() + static_cast<std::ptrdiff_t>(at);
      at = static_cast<std::size_t>(std::lower_bound(from, codes.end(), next_tokens.codes[place]) - codes.begin());
      if (at == codes.size() || codes[at] != next_tokens.codes[place]) tree_.index().throw_bad_counts();
      p = stages_[i - 1].probs[at];
    }
    below += p_log_p_of(p);
    below_mass += p;
    probs[place] = step.passed_on(p) + step.gain(next_tokens, place);
    own += p_log_p_of(probs[place]);
  }
  const double all_below = i > 0 ? stages_[i - 1].p_log_p : std::log(uniform_);
  return own + step.rest * (all_below - below) + p_log_p_of(step.rest) * (1 - below_mass);
}

}  // namespace infgram
