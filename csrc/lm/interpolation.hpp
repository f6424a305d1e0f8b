// Methods that mix each level with the one below it.
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

// p(x | h) from p(x | h'), h' being the level below: for a row of h of value v,
//   p = bonus + max(v - discounts[min(v, 3) - 1], 0) / total + rest p',
// for any other p = rest p'. v is the row's count, or its continuation count where `uses_lefts`.
struct Step {
  double total = 1;
  double rest = 0;
  double bonus = 0;
  std::array<double, 3> discounts = {0, 0, 0};
  bool uses_lefts = false;

  // The part of the level below. What is positive stays so: hundreds of levels would make it 0.
  [[nodiscard]] double passed_on(double p) const {
    return rest > 0 ? std::max(rest * p, std::numeric_limits<double>::min()) : 0;
  }

  // What the row at this place gets besides its part of the level below.
  [[nodiscard]] double gain(const Rows& rows, std::size_t place) const {
    const std::uint64_t value = (uses_lefts ? rows.lefts : rows.counts)[place];
    if (value == 0) return bonus;
    const double above = static_cast<double>(value) - discounts[value < 3 ? value - 1 : 2];
    return bonus + (above > 0 ? above / total : 0);
  }
};

// A rule for the steps. Each keeps p a distribution when the one below is. Immutable.
class StepRule {
 public:
  virtual ~StepRule() = default;
  [[nodiscard]] virtual bool uses_lefts() const { return false; }
  // REQUIRES rows.lefts if uses_lefts().
  [[nodiscard]] virtual Step step(const Level& level) const = 0;
};

// Below the empty suffix all rows are equally likely.
class Interpolation final : public Predictor {
 public:
  // The tree must outlive it.
  Interpolation(const ContextTree& tree, std::unique_ptr<const StepRule> rule);

  [[nodiscard]] bool uses_lefts() const override { return rule_->uses_lefts(); }
  void look_at(std::span<const Level> levels) override;
  [[nodiscard]] double probability(RowCode code) const override;
  void fill(std::span<double> by_code) const override;
  // Cost: the rows of each level that is new.
  [[nodiscard]] double p_log_p() override;

 private:
  // A level with its step, and for p_log_p() its rows' probabilities and the sum over all rows.
  struct Stage {
    Level level;
    Step step;
    std::span<const double> probs;
    double p_log_p;
  };
  struct Kept {
    std::vector<double> probs;
    double p_log_p;
  };

  double compute(std::size_t stage, std::vector<double>& probs) const;

  const ContextTree& tree_;
  std::unique_ptr<const StepRule> rule_;
  double uniform_;
  std::vector<Stage> stages_;
  std::unordered_map<std::uint64_t, Kept> kept_;  // by the serial number of a level's node
  std::uint64_t generation_ = 0;                  // of the tree, which kept_ belongs to
  std::vector<std::vector<double>> scratch_;      // the probabilities of levels without a node
};

}  // namespace infgram
