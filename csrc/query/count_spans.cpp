#include "query/count_spans.hpp"

#include <algorithm>

#include "query/match_pass.hpp"

namespace infgram {

std::vector<std::int64_t> count_spans(const Index& index, std::span<const TokenId> tokens,
                                      std::span<const Span> spans) {
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    const Sequence<Token> sequence(tokens);
    std::vector<PatternSearch<Token>> searches;
    std::vector<std::size_t> short_ones;
    std::vector<std::size_t> long_ones;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const bool is_long = MatchPass<Token>::is_for(spans[i].end - spans[i].begin, tokens.size());
      (is_long ? long_ones : short_ones).push_back(i);
    }
    searches.reserve(short_ones.size() * index.shards().size());
    for (const std::size_t i : short_ones) {
      const Span& span = spans[i];
      const Pattern<Token> pattern = sequence.pattern(span.begin, span.end - span.begin);
      for (const Shard& shard : index.shards()) searches.push_back(search_in(shard, pattern));
    }
    ShardRanges ranges(searches.size());
    insert_all<Token>(searches);
    extend_all<Token>(searches, ranges.data());
    std::vector<std::int64_t> counts(spans.size());
    for (std::size_t k = 0; k < short_ones.size(); ++k) {
      const auto of_span = std::span(ranges).subspan(k * index.shards().size(), index.shards().size());
      counts[short_ones[k]] = static_cast<std::int64_t>(total_count(index, of_span));
    }
    if (long_ones.empty()) return counts;
    std::vector<std::uint64_t> begins;
    std::vector<std::uint64_t> lengths;
    for (const std::size_t i : long_ones) {
      begins.push_back(spans[i].begin);
      lengths.push_back(spans[i].end - spans[i].begin);
    }
    std::vector<std::uint64_t> distinct = begins;
    std::ranges::sort(distinct);
    distinct.erase(std::ranges::unique(distinct).begin(), distinct.end());
    MatchPass<Token> pass(index, tokens, std::move(distinct));
    const auto found = pass.counts(begins, lengths);
    for (std::size_t k = 0; k < long_ones.size(); ++k) counts[long_ones[k]] = static_cast<std::int64_t>(found[k]);
    return counts;
  });
}

}  // namespace infgram
