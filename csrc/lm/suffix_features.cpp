#include "lm/suffix_features.hpp"

#include <mutex>

namespace infgram {
namespace {

constexpr std::size_t kPollEvery = 1024;  // positions

}  // namespace

SuffixFeatures suffix_features(ContextTree& tree, std::span<const TokenId> tokens,
                               std::span<const std::uint64_t> lengths, const std::function<void()>& poll) {
  std::unique_lock lock(tree.mutex());
  SuffixFeatures features;
  if (tokens.empty()) return features;
  SuffixChain chain(tree);
  chain.append(tokens.front());
  for (std::size_t t = 1; t < tokens.size(); ++t) {
    if (t % kPollEvery == 0) poll_unlocked(lock, poll);
    const TokenCode code = code_of(tokens[t]);
    std::size_t rung = 0;
    SuffixCounts counts{};
    const std::span<const Level> levels = chain.levels(false);
    for (const Level& level : levels) {
      const Tally& tally = level.next_tokens->count_tally;
      counts = {tally.total, level.next_tokens->codes.size(), level.next_tokens->count_of(code), tally.largest};
      for (; rung < lengths.size() && lengths[rung] <= level.longest; ++rung) features.ladder.push_back(counts);
    }
    features.suffix_lengths.push_back(levels.back().longest);
    features.longest.push_back(counts);
    features.ladder.resize(features.longest.size() * lengths.size());
    chain.append(tokens[t]);
  }
  return features;
}

}  // namespace infgram
