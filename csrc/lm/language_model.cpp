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
    if (level.shortest > options.longest || level.next_tokens->count_tally.total < options.min_count) break;
    level.longest = std::min(level.longest, options.longest);
    selected.push_back(level);
  }
}

LanguageModel::LanguageModel(ContextTree& tree, std::unique_ptr<Predictor> predictor, ModelOptions options)
    : tree_(tree), predictor_(std::move(predictor)), options_(options) {}

Prediction LanguageModel::predict(std::span<const Level> levels, NextTokenId next_token, bool with_entropy) {
  set_levels(levels);
  double p_log_p = with_entropy ? predictor_->p_log_p() : std::numeric_limits<double>::quiet_NaN();
  if (with_entropy && options_.end_token) {  // two next tokens count as one
    const double of_end = predictor_->probability(code_of(kEndOfDocument));
    const double of_token = predictor_->probability(code_of(*options_.end_token));
    p_log_p += p_log_p_of(of_end + of_token) - p_log_p_of(of_end) - p_log_p_of(of_token);
  }
  return {log_prob(next_token), -p_log_p};
}

double LanguageModel::log_prob(NextTokenId next_token) const {
  double p = predictor_->probability(code_of(next_token));
  if (options_.end_token) {  // two next tokens count as one
    if (next_token == *options_.end_token) p += predictor_->probability(code_of(kEndOfDocument));
    if (next_token == kEndOfDocument) p += predictor_->probability(code_of(*options_.end_token));
  }
  return std::log(p);
}

std::vector<double> LanguageModel::distribution(SuffixChain& chain) {
  set_levels(chain.levels(uses_left_extensions()));
  std::vector<double> probs(tree_.index().vocab_size() + 1);
  predictor_->fill(probs);
  std::ranges::rotate(probs, probs.begin() + 1);  // the end of the document comes last
  if (options_.end_token) {
    probs[*options_.end_token] += probs.back();
    probs.pop_back();
  }
  return probs;
}

void LanguageModel::set_levels(std::span<const Level> levels) {
  select_levels(levels, options_, levels_);
  predictor_->set_levels(levels_);
}

std::vector<Predictions> evaluate(std::span<const EvaluationRequest> requests, std::span<const TokenId> tokens,
                                  bool with_end, const std::function<void()>& poll) {
  std::vector<Predictions> found(requests.size());
  if (tokens.empty()) return found;
  const std::size_t n_positions = tokens.size() - 1 + (with_end ? 1 : 0);
  ContextTree& tree = requests.front().model->tree();
  std::unique_lock lock(tree.mutex());
  const bool with_left_extensions =
      std::ranges::any_of(requests, [](const EvaluationRequest& one) { return one.model->uses_left_extensions(); });
  SuffixChain chain(tree);
  const auto predict = [&](std::size_t position, NextTokenId next_token) {
    const std::span<const Level> levels = chain.levels(with_left_extensions);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto& [model, with_entropies, guesses] = requests[i];
      const Prediction prediction = model->predict(levels, next_token, with_entropies);
      found[i].log_probs.push_back(prediction.log_prob);
      found[i].entropies.push_back(prediction.entropy);
      const std::size_t n_guesses = guesses.size() / n_positions;
      for (const TokenId guess : guesses.subspan(position * n_guesses, n_guesses)) {
        found[i].guess_log_probs.push_back(model->log_prob(guess));
      }
    }
  };
  chain.append(tokens.front());
  for (std::size_t t = 1; t < tokens.size(); ++t) {
    if (t % kPollEvery == 0) poll_unlocked(lock, poll);
    predict(t - 1, tokens[t]);
    chain.append(tokens[t]);
  }
  if (with_end) predict(n_positions - 1, kEndOfDocument);
  return found;
}

}  // namespace infgram
