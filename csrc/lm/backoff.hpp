// Methods in which the longest suffix that was seen with a row decides alone.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "lm/predictor.hpp"

namespace infgram {

// Brants, Popat, Xu, Och, Dean, "Large language models in machine translation", EMNLP 2007: the share of the longest
// suffix that was seen with the row, times 0.4 for each level above it. Scores: they do not sum to one.
class StupidBackoff final : public Predictor {
 public:
  static constexpr double kFactor = 0.4;

  void look_at(std::span<const Level> levels) override { levels_ = levels; }
  [[nodiscard]] double probability(RowCode code) const override;
  void fill(std::span<double> by_code) const override;
  [[nodiscard]] double p_log_p() override;

 private:
  std::span<const Level> levels_;
};

// Prediction by partial matching with exclusion (Cleary and Witten, IEEE Transactions on Communications 32, 1984) and
// the escapes of method D (Howard, "The design and analysis of efficient lossless data compression systems", 1993): of
// a context of `total` occurrences and n different rows each row has count - 1/2 in `total`, and an escape to the level
// below, where these rows are left out, n/2. Below the empty suffix the rows left are equally likely. It begins at the
// shortest context that one row alone follows, else at the longest (PPM*: Cleary, Teahan and Witten, DCC 1995).
class Ppm final : public Predictor {
 public:
  // The tree must outlive it.
  explicit Ppm(const ContextTree& tree) : tree_(tree), n_codes_(tree.index().vocab_size() + 1) {}

  void look_at(std::span<const Level> levels) override;
  [[nodiscard]] double probability(RowCode code) const override;
  void fill(std::span<double> by_code) const override;
  [[nodiscard]] double p_log_p() override;

 private:
  // Sums over rows of a level, of their numbers, their counts c, and (c - d) ln (c - d).
  struct Sums {
    double n_rows = 0;
    double count = 0;
    double c_log_c = 0;
    Sums operator-(const Sums& other) const;
  };
  // A row of `level` that no longer one has: p = scale (count - discount).
  struct Stage {
    Level level;
    double scale;
    Sums left;  // of the rows that no longer level has
  };
  // All rows of a level, and those of the level above it with their counts in this one.
  struct Kept {
    Sums own;
    Sums in_level_below;
  };

  [[nodiscard]] double discount(const Level& level) const;
  [[nodiscard]] Sums own(const Level& level) const;
  [[nodiscard]] Sums shared(const Level& level, const Level& below) const;
  [[nodiscard]] Kept kept(std::span<const Level> levels, std::size_t i);

  const ContextTree& tree_;
  std::uint64_t n_codes_;
  std::vector<Stage> stages_;  // from the longest on
  double unseen_ = 0;          // the probability of a row in no level
  double n_unseen_ = 0;
  std::unordered_map<std::uint64_t, Kept> kept_;  // by the serial number of a level's node
  std::uint64_t generation_ = 0;                  // of the tree, which kept_ belongs to
};

}  // namespace infgram
