#include "lm/language_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>

namespace infgram {
namespace {

constexpr std::size_t kPollEvery = 1024;  // positions

}  // namespace

void select_levels(std::span<const Level> levels, const ModelOptions& options, std::vector<Level>& selected) {
  selected.assign(levels.begin(), levels.begin() + 1);
  for (Level level : levels.subspan(1)) {
    if (level.shortest > options.longest || level.rows->count_tally.total < options.min_count) break;
    level.longest = std::min(level.longest, options.longest);
    selected.push_back(level);
  }
}

LanguageModel::LanguageModel(ContextTree& tree, std::unique_ptr<Predictor> predictor, ModelOptions options)
    : tree_(tree), predictor_(std::move(predictor)), options_(options) {}

std::vector<Prediction> LanguageModel::evaluate(std::span<const TokenId> tokens, bool with_end, bool with_entropies,
                                                const std::function<void()>& poll) {
  const std::lock_guard lock(tree_.mutex());
  std::vector<Prediction> predictions;
  if (tokens.empty()) return predictions;
  predictions.reserve(tokens.size());
  SuffixChain chain(tree_);
  chain.append(tokens.front());
  for (const TokenId token : tokens.subspan(1)) {
    if (predictions.size() % kPollEvery == 0) poll();
    predictions.push_back(predict(chain, token, with_entropies));
    chain.append(token);
  }
  if (with_end) predictions.push_back(predict(chain, kEndOfDocument, with_entropies));
  return predictions;
}

Prediction LanguageModel::predict(SuffixChain& chain, RowId row, bool with_entropy) {
  look_at(chain);
  double p = predictor_->probability(code_of(row));
  double p_log_p = with_entropy ? predictor_->p_log_p() : std::numeric_limits<double>::quiet_NaN();
  if (options_.end_token) {  // two rows as one
    const double of_end = predictor_->probability(code_of(kEndOfDocument));
    const double of_token = predictor_->probability(code_of(*options_.end_token));
    if (row == kEndOfDocument || row == *options_.end_token) p = of_end + of_token;
    p_log_p += p_log_p_of(of_end + of_token) - p_log_p_of(of_end) - p_log_p_of(of_token);
  }
  return {std::log(p), -p_log_p};
}

std::vector<double> LanguageModel::distribution(SuffixChain& chain) {
  look_at(chain);
  std::vector<double> probs(tree_.index().vocab_size() + 1);
  predictor_->fill(probs);
  std::ranges::rotate(probs, probs.begin() + 1);  // the end comes last
  if (options_.end_token) {
    probs[*options_.end_token] += probs.back();
    probs.pop_back();
  }
  return probs;
}

void LanguageModel::look_at(SuffixChain& chain) {
  select_levels(chain.levels(predictor_->uses_lefts()), options_, levels_);
  predictor_->look_at(levels_);
}

}  // namespace infgram
