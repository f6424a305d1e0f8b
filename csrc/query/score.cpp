#include "query/score.hpp"

#include "query/match_pass.hpp"
#include "query/session.hpp"

namespace infgram {

// The longest suffix of tokens[0, t) begins at the smallest i whose match reaches t.
std::vector<PositionScore> score(const Index& index, std::span<const TokenId> tokens, bool with_end,
                                 std::uint64_t min_count) {
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    MatchPass<Token> pass(index, tokens, min_count);
    const std::uint64_t n = tokens.size();
    const std::size_t n_shards = pass.n_shards();
    // The contexts [begin, t) with the same begin, for t in [first, last].
    struct Run {
      std::uint64_t begin;
      std::uint64_t first;
      std::uint64_t last;
    };
    std::vector<Run> runs;
    for (std::uint64_t i = 0, t = 0; t <= n; ++i) {
      const std::uint64_t reach = i < n ? i + pass.length(i) : n;
      if (reach < t) continue;
      runs.push_back({i, t, reach});
      t = reach + 1;
    }
    std::vector<SuffixRange> ranges((n + 1) * n_shards);  // of context t in shard s at s * (n + 1) + t
    interleave(runs.size() * n_shards, [&](std::size_t search) {
      const auto [begin, first, last] = runs[search / n_shards];
      const std::size_t s = search % n_shards;
      const std::uint64_t shortest = std::max(first, begin + 1) - begin;
      if (last - begin < shortest) return Strand();
      return pass.extend(begin, s, last - begin, shortest, &ranges[s * (n + 1) + begin + shortest]);
    });
    const auto count_at = [&](std::uint64_t t) {
      std::uint64_t count = 0;
      for (std::size_t s = 0; s < n_shards; ++s) count += index.shards()[s].live_count(ranges[s * (n + 1) + t]);
      return count;
    };
    // The context after the last one of each run occurs less than min_count times.
    std::vector<std::uint64_t> begins;
    std::vector<std::uint64_t> lengths;
    for (const auto& [begin, first, last] : runs) {
      if (last == n) continue;
      begins.push_back(begin);
      lengths.push_back(last + 1 - begin);
    }
    const auto rare = min_count == 1 ? std::vector<std::uint64_t>(begins.size()) : pass.counts(begins, lengths);
    std::vector<PositionScore> scores;
    scores.reserve(n + 1);
    std::size_t run = 0;
    for (const auto& [begin, first, last] : runs) {
      const std::uint64_t count_after_last = last < n ? rare[run++] : 0;
      for (std::uint64_t t = first; t <= last && t < n; ++t) {
        const bool is_empty = t == begin;
        const std::uint64_t context_count = is_empty ? index.n_tokens() + index.n_documents() : count_at(t);
        scores.push_back({t - begin, context_count, t < last ? count_at(t + 1) : count_after_last});
      }
    }
    if (with_end) {
      const Session end(index, tokens.subspan(runs.back().begin), min_count);
      scores.push_back({end.suffix().size(), end.context_count(), end.continuation_count(kEndOfDocument)});
    }
    return scores;
  });
}

}  // namespace infgram
