// Estimates the weights of Jelinek-Mercer smoothing from held-out text.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "lm/language_model.hpp"

namespace infgram {

// Collects positions, then finds the weights that maximize their likelihood. The tree must outlive the object.
class JelinekMercerFit {
 public:
  JelinekMercerFit(ContextTree& tree, ModelOptions options);

  // Adds every token of a document except the first. REQUIRES tokens below vocab_size; the tree's mutex is not held.
  // `poll`: see evaluate(). Cost: as evaluate(); 16 bytes of memory per level.
  void add(std::span<const TokenId> tokens, const std::function<void()>& poll);

  // Returns one weight per class of JelinekMercer, after `n_rounds` rounds of expectation-maximization from 1/2, with a
  // prior of one token generated and one passed on in each class. Cost: O(levels) per round.
  [[nodiscard]] std::vector<double> weights(std::size_t n_rounds, const std::function<void()>& poll) const;

 private:
  struct LevelShare {
    std::uint16_t level_class;
    double share;  // the relative frequency of the token in the level
  };

  ContextTree& tree_;
  ModelOptions options_;
  std::vector<LevelShare> level_shares_;  // of each position, shortest level first
  std::vector<std::size_t> ends_;         // of each position in level_shares_
};

}  // namespace infgram
