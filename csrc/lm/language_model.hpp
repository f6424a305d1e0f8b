// Next-token probabilities from the suffixes of a context.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lm/predictor.hpp"

namespace infgram {

struct ModelOptions {
  std::uint64_t longest = ~std::uint64_t{0};  // the length of the longest suffix to use, in tokens
  std::uint64_t min_count = 1;                // of a suffix to use; the empty one is always used
  std::optional<TokenId> end_token;           // a token that also gets the probability of the end of the document
};

// Selects the levels within the options, ascending. A level that exceeds `longest` is shortened.
void select_levels(std::span<const Level> levels, const ModelOptions& options, std::vector<Level>& selected);

// The prediction of a model at one position.
struct Prediction {
  double log_prob;  // in nats; -infinity for probability 0
  double entropy;   // of the distribution, in nats; NaN unless requested
};

// A smoothing method with its options. Hold the tree's mutex while calling its methods.
class LanguageModel {
 public:
  // The tree must outlive the object.
  LanguageModel(ContextTree& tree, std::unique_ptr<Predictor> predictor, ModelOptions options);

  [[nodiscard]] ContextTree& tree() const { return tree_; }

  // Whether levels must have next_tokens.left_extension_counts.
  [[nodiscard]] bool uses_left_extensions() const { return predictor_->uses_left_extensions(); }

  // Predicts `next_token` (a token below vocab_size, or kEndOfDocument) after a chain with these levels. `with_entropy`
  // costs a pass over the next tokens of each new level.
  [[nodiscard]] Prediction predict(std::span<const Level> levels, NextTokenId next_token, bool with_entropy);

  // The log-probability of another token at the position of the last predict(). REQUIRES that its levels are still
  // valid.
  [[nodiscard]] double log_prob(NextTokenId next_token) const;

  // Returns the probability of each token and, as the last element, of the end of the document, unless it is added to a
  // token (ModelOptions::end_token). Cost: O(vocab_size) per level.
  [[nodiscard]] std::vector<double> distribution(SuffixChain& chain);

 private:
  void set_levels(std::span<const Level> levels);

  ContextTree& tree_;
  std::unique_ptr<Predictor> predictor_;
  ModelOptions options_;
  std::vector<Level> levels_;
};

// A model to evaluate, and what to compute.
struct EvaluationRequest {
  LanguageModel* model;
  bool with_entropies;
  std::span<const TokenId> guesses;  // further tokens to predict, equally many per position; may be empty
};

// The predictions of a model at all positions.
struct Predictions {
  std::vector<double> log_probs;        // in nats; -infinity for probability 0
  std::vector<double> entropies;        // of the distributions, in nats; NaN unless requested
  std::vector<double> guess_log_probs;  // of the guesses, in the same order
};

// Evaluates models on every token but the first, given the preceding ones, and, if `with_end`, on the end of the
// document after the last. One walk serves all models; it holds the tree's mutex, except while it calls `poll`, from
// time to time; `poll` may throw to cancel. REQUIRES at least one model, all of the same tree; tokens below vocab_size.
[[nodiscard]] std::vector<Predictions> evaluate(std::span<const EvaluationRequest> requests,
                                                std::span<const TokenId> tokens, bool with_end,
                                                const std::function<void()>& poll);

}  // namespace infgram
