#include "query/longest_match.hpp"

#include "query/match_pass.hpp"

namespace infgram {
namespace {

// Counts the matches that begin at some positions.
template <StoredToken Token>
void count(MatchPass<Token>& pass, std::span<const std::uint64_t> positions, std::vector<LongestMatch>& matches) {
  std::vector<std::uint64_t> lengths;
  lengths.reserve(positions.size());
  for (const std::uint64_t i : positions) lengths.push_back(matches[i].length);
  const auto counts = pass.counts(positions, lengths);
  for (std::size_t k = 0; k < positions.size(); ++k) matches[positions[k]].count = counts[k];
}

}  // namespace

std::vector<LongestMatch> longest_matches(const Index& index, std::span<const TokenId> tokens) {
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    MatchPass<Token> pass(index, tokens, 1);
    std::vector<LongestMatch> matches(tokens.size());
    std::vector<std::uint64_t> positions;
    for (std::uint64_t i = 0; i < tokens.size(); ++i) {
      matches[i] = {pass.length(i), index.n_tokens()};
      if (pass.is_searched(i) && pass.length(i) > 0) positions.push_back(i);
    }
    count(pass, positions, matches);
    // Both ends of a gap reach the same position, and counts ascend towards it. So if the counts at the ends are equal,
    // all counts between them are.
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
    count(pass, positions, matches);
    return matches;
  });
}

}  // namespace infgram
