#include "query/next_token.hpp"

#include <algorithm>
#include <optional>

namespace infgram {
namespace {

void append_first_tokens(const Shard& shard, std::vector<NextToken>& tokens) {
  if (shard.n_documents() > 0) tokens.push_back({kEndOfDocument, shard.n_documents()});
  for (std::uint64_t token = 0; token < shard.vocab_size(); ++token) {
    const std::uint64_t count = shard.live_count(shard.first_token_range(static_cast<TokenId>(token)));
    if (count > 0) tokens.push_back({static_cast<NextTokenId>(token), count});
  }
}

// Appends what follows the suffixes of a range, removed ones included.
void append_raw(const Shard& shard, SuffixRange range, std::uint64_t depth, std::vector<NextToken>& tokens) {
  const auto append = [&](NextTokenId next_token, std::uint64_t count) { tokens.push_back({next_token, count}); };
  if (shard.continuations().for_each_next_token(range, depth, append)) return;
  shard.text().visit(
      [&]<class Token>(Text<Token>) { NextTokenReader<Token, Shard>(shard, depth).read(range, tokens); });
}

// Next tokens ascend with the ranks, so the suffixes of each are a range, too.
void append_next_tokens(const Shard& shard, SuffixRange range, std::uint64_t depth, std::vector<NextToken>& tokens) {
  if (depth == 0) {
    append_first_tokens(shard, tokens);
    return;
  }
  const std::uint64_t n_removed = shard.n_removed(range);
  if (n_removed == range.size()) return;
  const auto n_before = static_cast<std::ptrdiff_t>(tokens.size());
  append_raw(shard, range, depth, tokens);
  if (n_removed == 0) return;
  Rank rank = range.lo;
  std::uint64_t live_rank = shard.live_rank(rank);
  for (auto next = tokens.begin() + n_before; next != tokens.end(); ++next) {
    rank += next->count;
    const std::uint64_t end = shard.live_rank(rank);
    next->count = end - live_rank;
    live_rank = end;
  }
  tokens.erase(
      std::remove_if(tokens.begin() + n_before, tokens.end(), [](const NextToken& next) { return next.count == 0; }),
      tokens.end());
}

// Adds up the counts of equal tokens.
void merge_next_tokens(std::vector<NextToken>& tokens) {
  std::ranges::sort(tokens, {}, &NextToken::id);
  std::size_t n_merged = 0;
  for (const NextToken& next : tokens) {
    if (n_merged > 0 && tokens[n_merged - 1].id == next.id) {
      tokens[n_merged - 1].count += next.count;
    } else {
      tokens[n_merged++] = next;
    }
  }
  tokens.resize(n_merged);
}

}  // namespace

NextTokens next_tokens(const Index& index, std::span<const SuffixRange> ranges, std::uint64_t depth) {
  NextTokens result;
  for (std::size_t s = 0; s < ranges.size(); ++s)
    append_next_tokens(index.shards()[s], ranges[s], depth, result.tokens);
  const bool is_ascending = ranges.size() == 1 && !index.shards().front().is_infini_gram();
  if (!is_ascending) merge_next_tokens(result.tokens);
  for (const NextToken& next : result.tokens) result.context_count += next.count;
  return result;
}

bool is_sparse(const Index& index, std::span<const SuffixRange> ranges, std::uint64_t depth) {
  if (depth == 0) return next_tokens(index, ranges, depth).tokens.size() == 1;
  std::optional<TokenCode> only;
  for (std::size_t s = 0; s < ranges.size(); ++s) {
    const Shard& shard = index.shards()[s];
    const std::uint64_t count = shard.live_count(ranges[s]);
    if (count == 0) continue;
    const std::uint64_t live_rank = shard.live_rank(ranges[s].lo);
    const auto [first, last] = shard.text().visit([&]<class Token>(Text<Token>) {
      return std::pair(shard.code<Token>(shard.position(shard.rank_of_live(live_rank), depth)),
                       shard.code<Token>(shard.position(shard.rank_of_live(live_rank + count - 1), depth)));
    });
    if (first != last || (only && *only != first)) return false;
    only = first;
  }
  return only.has_value();
}

void keep_top(std::vector<NextToken>& tokens, std::size_t k) {
  const auto n = static_cast<std::ptrdiff_t>(std::min(k, tokens.size()));
  std::partial_sort(tokens.begin(), tokens.begin() + n, tokens.end(), [](const NextToken& a, const NextToken& b) {
    return a.count != b.count ? a.count > b.count : a.id < b.id;
  });
  tokens.resize(static_cast<std::size_t>(n));
}

}  // namespace infgram
