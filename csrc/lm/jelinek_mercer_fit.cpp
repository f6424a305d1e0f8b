#include "lm/jelinek_mercer_fit.hpp"

#include <mutex>

#include "lm/step_rules.hpp"

namespace infgram {
namespace {

constexpr std::size_t kClasses = JelinekMercer::kLengths * JelinekMercer::kCounts;
constexpr std::size_t kPollEvery = 1024;  // positions

}  // namespace

JelinekMercerFit::JelinekMercerFit(ContextTree& tree, ModelOptions options) : tree_(tree), options_(options) {}

void JelinekMercerFit::add(std::span<const TokenId> tokens, const std::function<void()>& poll) {
  if (tokens.empty()) return;
  const std::lock_guard lock(tree_.mutex());
  SuffixChain chain(tree_);
  std::vector<Level> levels;
  chain.append(tokens.front());
  for (const TokenId token : tokens.subspan(1)) {
    if (ends_.size() % kPollEvery == 0) poll();
    select_levels(chain.levels(false), options_, levels);
    for (const Level& level : levels) {
      entries_.push_back({static_cast<std::uint16_t>(JelinekMercer::class_of(level)),
                          static_cast<double>(level.rows->count_of(code_of(token))) /
                              static_cast<double>(level.rows->count_tally.total)});
    }
    ends_.push_back(entries_.size());
    chain.append(token);
  }
}

// Each position was made by one of its levels, or by chance: walking down from the longest, a level makes the token
// with its weight, or passes it on. `chosen` and `reached` are the expected numbers of both.
std::vector<double> JelinekMercerFit::weights(std::size_t n_rounds, const std::function<void()>& poll) const {
  const double uniform = 1 / (static_cast<double>(tree_.index().vocab_size()) + 1);
  std::vector<double> weights(kClasses, 0.5);
  std::vector<double> probs;  // from each level of a position down
  for (std::size_t round = 0; round < n_rounds; ++round) {
    poll();
    std::vector<double> chosen(kClasses, 1);   // the prior: one of each kind,
    std::vector<double> reached(kClasses, 2);  // so that no weight is 0 or 1
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
      probs.clear();
      double p = uniform;
      for (std::size_t i = begin; i < end; ++i) {
        const double weight = weights[entries_[i].level_class];
        p = weight * entries_[i].share + (1 - weight) * p;
        probs.push_back(p);
      }
      double arrives = 1;
      for (std::size_t i = end; i-- > begin;) {
        const auto [level_class, share] = entries_[i];
        const double stays = probs[i - begin] > 0 ? weights[level_class] * share / probs[i - begin] : 0;
        reached[level_class] += arrives;
        chosen[level_class] += arrives * stays;
        arrives *= 1 - stays;
      }
      begin = end;
    }
    for (std::size_t c = 0; c < kClasses; ++c) {
      weights[c] = chosen[c] / reached[c];
    }
  }
  return weights;
}

}  // namespace infgram
