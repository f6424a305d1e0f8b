// Interpolated smoothing: each level is interpolated with the one below it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <unordered_map>
#include <vector>

#include "lm/predictor.hpp"

namespace infgram {

// The probabilities p(x | h) of a level, given p' = p(x | h') of the level h' below. For a next token of h with value v
//   p = bonus + max(v - discounts[min(v, 3) - 1], 0) / total + rest p',
// for any other token p = rest p'. The value is the count or, with uses_left_extensions, the left-extension count.
struct Step {
  double total = 1;
  double rest = 0;
  double bonus = 0;
  std::array<double, 3> discounts = {0, 0, 0};
  bool uses_left_extensions = false;

  // The contribution of the level below. Positive values stay positive even after hundreds of levels.
  [[nodiscard]] double passed_on(double p) const {
    return rest > 0 ? std::max(rest * p, std::numeric_limits<double>::min()) : 0;
  }

  // What the next token at this place gets in addition.
  [[nodiscard]] double gain(const NextTokenCounts& next_tokens, std::size_t place) const {
    const std::uint64_t value = (uses_left_extensions ? next_tokens.left_extension_counts : next_tokens.counts)[place];
    if (value == 0) return bonus;
    const double above = static_cast<double>(value) - discounts[value < 3 ? value - 1 : 2];
    return bonus + (above > 0 ? above / total : 0);
  }
};

// A rule that gives the step of each level. A step turns a distribution into a distribution. Immutable.
class StepRule {
 public:
  virtual ~StepRule() = default;
  [[nodiscard]] virtual bool uses_left_extensions() const { return false; }
  // REQUIRES next_tokens.left_extension_counts if uses_left_extensions().
  [[nodiscard]] virtual Step step(const Level& level) const = 0;
};

// A smoothing method given by a rule. Below the empty suffix the distribution is uniform.
class InterpolatedSmoothing final : public Predictor {
 public:
  // The tree must outlive the object.
  InterpolatedSmoothing(const ContextTree& tree, std::unique_ptr<const StepRule> rule);

  [[nodiscard]] bool uses_left_extensions() const override { return rule_->uses_left_extensions(); }
  void set_levels(std::span<const Level> levels) override;
  [[nodiscard]] double probability(TokenCode code) const override;
  void fill(std::span<double> by_code) const override;
  // Cost: the number of next tokens of each new level.
  [[nodiscard]] double p_log_p() override;

 private:
  // A level and its step; for p_log_p() also the probabilities of its next tokens, and the sum over all tokens.
  struct Stage {
    Level level;
    Step step;
    std::span<const double> probs;
    double p_log_p;
  };
  struct Cached {
    std::vector<double> probs;
    double p_log_p;
  };

  [[nodiscard]] double compute(std::size_t i, std::vector<double>& probs) const;

  const ContextTree& tree_;
  std::unique_ptr<const StepRule> rule_;
  double uniform_;
  std::vector<Stage> stages_;
  std::unordered_map<std::uint64_t, Cached> cache_;  // by the serial number of a level's node
  std::uint64_t generation_ = 0;                     // of the tree when cache_ was filled
  std::vector<std::vector<double>> scratch_;         // the probabilities in levels without a node
};

}  // namespace infgram
