#include "query/longest_match.hpp"

#include <numeric>

#include "query/match_pass.hpp"

namespace infgram {
namespace {

// The counts of the matches that begin at some positions.
template <class Token>
void count(const Index& index, MatchPass<Token>& pass, std::span<const std::uint64_t> positions,
           std::vector<LongestMatch>& matches) {
  ShardRanges ranges(positions.size());
  for (std::size_t s = 0; s < pass.n_shards(); ++s) {
    std::ranges::fill(ranges, SuffixRange{});
    pass.longest_ranges(positions, s, ranges.data());
    for (std::size_t k = 0; k < positions.size(); ++k) matches[positions[k]].count += ranges[k].count();
  }
  for (const std::uint64_t i : positions) {
    if (matches[i].length == 0) matches[i].count = index.n_tokens();
  }
}

}  // namespace

std::vector<LongestMatch> longest_matches(const Index& index, std::span<const TokenId> tokens) {
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    MatchPass<Token> pass(index, tokens);
    std::vector<LongestMatch> matches(tokens.size());
    std::vector<std::uint64_t> positions;
    for (std::uint64_t i = 0; i < tokens.size(); ++i) {
      matches[i] = {pass.length(i), 0};
      if (pass.is_searched(i)) positions.push_back(i);
    }
    count(index, pass, positions, matches);
    // The ends of a gap reach the same position, and counts rise towards it: between equal ones all are equal.
    positions.clear();
    pass.for_each_gap([&](std::uint64_t begin, std::uint64_t end) {
      for (std::uint64_t i = begin + 1; i < end; ++i) {
        if (matches[begin].count == matches[end].count) {
          matches[i].count = matches[begin].count;
        } else {
          positions.push_back(i);
        }
      }
    });
    pass.search(positions);
    count(index, pass, positions, matches);
    return matches;
  });
}

}  // namespace infgram
