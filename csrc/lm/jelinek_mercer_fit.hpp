// Weights for Jelinek-Mercer smoothing from text that is not in the index.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "lm/language_model.hpp"

namespace infgram {

// Gathers positions, then finds the weights under which they are most likely. The tree must outlive it.
class JelinekMercerFit {
 public:
  JelinekMercerFit(ContextTree& tree, ModelOptions options);

  // Adds every token of a document but its first; the tree's mutex must not be held. `poll`: LanguageModel::evaluate().
  // Cost: as evaluate(); 16 bytes a level of memory. REQUIRES tokens below vocab_size.
  void add(std::span<const TokenId> tokens, const std::function<void()>& poll);

  // One weight for each class of JelinekMercer, after `n_rounds` rounds of expectation-maximisation from 1/2 under a
  // prior of one token made and one passed on in each class. Cost: O(levels) a round.
  [[nodiscard]] std::vector<double> weights(std::size_t n_rounds, const std::function<void()>& poll) const;

 private:
  struct Entry {
    std::uint16_t level_class;
    double share;  // the token's part of the level's count
  };

  ContextTree& tree_;
  ModelOptions options_;
  std::vector<Entry> entries_;     // the levels of each position, ascending
  std::vector<std::size_t> ends_;  // of each position's entries
};

}  // namespace infgram
