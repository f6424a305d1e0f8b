// Probabilities of what comes next, from the suffixes of a context.
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
  std::uint64_t longest = ~std::uint64_t{0};  // suffixes of so many tokens at most
  std::uint64_t min_count = 1;                // suffixes that occur so often at least; the empty one always
  std::optional<TokenId> end_token;           // has the probability of the end of a document, too
};

// The levels within the options, ascending; a level is cut where it passes `longest`.
void select_levels(std::span<const Level> levels, const ModelOptions& options, std::vector<Level>& selected);

// What a model gives one position.
struct Prediction {
  double log_prob;  // nats; -infinity where it is 0
  double entropy;   // nats, of the whole distribution; NaN unless asked for
};

// A method with its options. The caller of its methods holds the tree's mutex.
class LanguageModel {
 public:
  // The tree must outlive it.
  LanguageModel(ContextTree& tree, std::unique_ptr<Predictor> predictor, ModelOptions options);

  [[nodiscard]] ContextTree& tree() const { return tree_; }

  // Whether levels must have rows.lefts.
  [[nodiscard]] bool uses_lefts() const { return predictor_->uses_lefts(); }

  // What may come after a chain of these levels: `row`, a token below vocab_size or kEndOfDocument.
  // `with_entropy` costs a pass over the rows of each level that is new.
  [[nodiscard]] Prediction predict(std::span<const Level> levels, RowId row, bool with_entropy);

  // Of another row at the position of the last predict(), whose levels must still be valid.
  [[nodiscard]] double log_prob(RowId row) const;

  // The probabilities of each token and, last, of the end of the document; without it where a token has that, too.
  // Cost: O(vocab_size) a level.
  [[nodiscard]] std::vector<double> distribution(SuffixChain& chain);

 private:
  void look_at(std::span<const Level> levels);

  ContextTree& tree_;
  std::unique_ptr<Predictor> predictor_;
  ModelOptions options_;
  std::vector<Level> levels_;
};

// A model to be evaluated.
struct Asked {
  LanguageModel* model;
  bool with_entropies;
  std::span<const TokenId> guesses;  // further tokens to be predicted, as many at each position; may be empty
};

// What a model gives all positions.
struct Predictions {
  std::vector<double> log_probs;        // nats; -infinity where it is 0
  std::vector<double> entropies;        // nats, of the whole distribution; NaN unless asked for
  std::vector<double> guess_log_probs;  // in the order of the guesses
};

// What each model gives each token but the first given those before it; then, when `with_end`, the end of the document
// given all of them. One walk serves all models, and holds the tree's mutex. `poll` is called now and then, and what it
// throws is thrown. REQUIRES at least one model, all of one tree, and tokens below vocab_size.
[[nodiscard]] std::vector<Predictions> evaluate(std::span<const Asked> asked, std::span<const TokenId> tokens,
                                                bool with_end, const std::function<void()>& poll);

}  // namespace infgram
