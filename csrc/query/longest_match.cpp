#include "query/longest_match.hpp"

#include "query/match_pass.hpp"

namespace infgram {

std::vector<LongestMatch> longest_matches(const Index& index, std::span<const TokenId> tokens) {
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    const MatchPass<Token> pass(index, tokens);
    const std::size_t n_shards = pass.n_shards();
    std::vector<SuffixRange> ranges(tokens.size() * n_shards);
    std::vector<LongestMatch> matches(tokens.size());
    for (std::uint64_t i = 0; i < tokens.size(); ++i) matches[i].length = pass.length(i);
    interleave(ranges.size(), [&](std::size_t job) {
      const std::uint64_t length = matches[job / n_shards].length;
      if (length == 0) return Strand();
      return pass.extend(job / n_shards, job % n_shards, length, length, &ranges[job]);
    });
    for (std::uint64_t i = 0; i < tokens.size(); ++i) {
      const auto of_position = std::span(ranges).subspan(i * n_shards, n_shards);
      matches[i].count = matches[i].length == 0 ? index.n_tokens() : total_count(of_position);
    }
    return matches;
  });
}

}  // namespace infgram
