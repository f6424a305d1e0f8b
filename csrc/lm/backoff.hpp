// Backoff methods: the longest suffix that the token follows decides alone.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "lm/predictor.hpp"

namespace infgram {

// Brants, Popat, Xu, Och, Dean, "Large language models in machine translation", EMNLP 2007: the relative frequency
// after the longest suffix that the token follows, times 0.4 for each longer level. Scores do not sum to one.
class StupidBackoff final : public Predictor {
 public:
  static constexpr double kFactor = 0.4;

  void set_levels(std::span<const Level> levels) override { levels_ = levels; }
  [[nodiscard]] double probability(TokenCode code) const override;
  void fill(std::span<double> by_code) const override;
  [[nodiscard]] double p_log_p() override;

 private:
  std::span<const Level> levels_;
};

// Prediction by partial matching with exclusion (Cleary and Witten, IEEE Transactions on Communications 32, 1984) and
// the escapes of method D (Howard, "The design and analysis of efficient lossless data compression systems", 1993):
// after a context of `total` occurrences and n distinct next tokens, each of these has probability (count - 1/2) /
// total, and the escape to the level below, which excludes them, (n/2) / total. Below the empty suffix the remaining
// tokens are equally likely. Starts at the shortest context that only one token follows, otherwise at the longest
// (PPM*: Cleary, Teahan and Witten, DCC 1995).
class Ppm final : public Predictor {
 public:
  // The tree must outlive the object.
  explicit Ppm(const ContextTree& tree) : tree_(tree), n_codes_(tree.index().vocab_size() + 1) {}

  void set_levels(std::span<const Level> levels) override;
  [[nodiscard]] double probability(TokenCode code) const override;
  void fill(std::span<double> by_code) const override;
  [[nodiscard]] double p_log_p() override;

 private:
  // Sums over some next tokens of a level: their number, their counts c, and (c - d) ln (c - d).
  struct Sums {
    double n_next_tokens = 0;
    double count = 0;
    double c_log_c = 0;
    Sums operator-(const Sums& other) const;
  };
  // The next tokens of `level` that no longer level has: p = scale (count - discount).
  struct Stage {
    Level level;
    double scale;
    Sums remaining;  // over these next tokens
  };
  // Sums over all next tokens of a level, and over those of the next longer level with their counts in this one.
  struct Cached {
    Sums own;
    Sums in_level_below;
  };

  [[nodiscard]] double discount(const Level& level) const;
  [[nodiscard]] Sums own(const Level& level) const;
  [[nodiscard]] Sums shared(const Level& level, const Level& below) const;
  [[nodiscard]] Cached cached(std::span<const Level> levels, std::size_t i);

  const ContextTree& tree_;
  std::uint64_t n_codes_;
  std::vector<Stage> stages_;  // longest first
  double unseen_ = 0;          // the probability of a token in no level
  double n_unseen_ = 0;
  std::unordered_map<std::uint64_t, Cached> cache_;  // by the serial number of a level's node
  std::uint64_t generation_ = 0;                     // of the tree when cache_ was filled
};

}  // namespace infgram
