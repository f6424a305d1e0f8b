#include "query/search.hpp"

#include <algorithm>

#include "query/search_batch.hpp"

namespace infgram {
namespace {

constexpr std::size_t kBatch = 512;  // patterns whose state fits the cache

template <StoredToken Token>
ShardRanges ranges_of(std::vector<PatternSearch<Token>> searches) {
  ShardRanges ranges(searches.size());
  insert_all<Token>(searches);
  extend_all<Token>(searches, ranges.data());
  return ranges;
}

// The order of the patterns by their first tokens, so that consecutive searches read nearby parts of directory and
// array.
template <StoredToken Token>
std::vector<std::uint32_t> order_of(const Sequence<Token>& sequence, std::span<const std::size_t> starts) {
  std::vector<std::uint64_t> keys;  // the first tokens, then the index of the pattern
  keys.reserve(starts.size());
  for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
    const std::uint64_t key = sequence.pattern(starts[i], starts[i + 1] - starts[i]).key_from_first();
    keys.push_back((key & ~std::uint64_t{0xFFFFFFFF}) | i);
  }
  std::ranges::sort(keys);
  std::vector<std::uint32_t> order;
  order.reserve(keys.size());
  for (const std::uint64_t key : keys) order.push_back(static_cast<std::uint32_t>(key));
  return order;
}

ShardRanges everything(const Index& index) {
  ShardRanges ranges;
  for (const Shard& shard : index.shards()) ranges.push_back({0, shard.n_suffixes()});
  return ranges;
}

}  // namespace

std::uint64_t total_count(const Index& index, std::span<const SuffixRange> ranges) {
  std::uint64_t count = 0;
  for (std::size_t s = 0; s < ranges.size(); ++s) count += index.shards()[s].live_count(ranges[s]);
  return count;
}

ShardRanges find(const Index& index, std::span<const TokenId> pattern, std::span<const SuffixRange> ranges_of_suffix) {
  if (pattern.empty()) return everything(index);
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    const Sequence<Token> sequence(pattern);
    std::vector<PatternSearch<Token>> searches;
    searches.reserve(index.shards().size());
    for (const Shard& shard : index.shards()) {
      const std::size_t s = searches.size();
      searches.push_back(search_in(shard, sequence.pattern(0, pattern.size())));
      if (!ranges_of_suffix.empty() && ranges_of_suffix[s].empty()) searches[s].within = {};
    }
    return ranges_of(std::move(searches));
  });
}

std::vector<std::int64_t> count_batch(const Index& index, std::span<const TokenId> tokens,
                                      std::span<const std::size_t> starts) {
  const std::size_t n = starts.size() - 1;
  std::vector<std::int64_t> counts(n);
  with_token_type(index, [&]<class Token>(Text<Token>) {
    const Sequence<Token> sequence(tokens);
    std::vector<PatternSearch<Token>> searches;
    std::vector<std::size_t> patterns;  // one for each n_shards searches
    const std::size_t n_shards = index.shards().size();
    const auto flush = [&] {
      const ShardRanges ranges = ranges_of(std::exchange(searches, {}));
      for (std::size_t j = 0; j < patterns.size(); ++j) {
        counts[patterns[j]] =
            static_cast<std::int64_t>(total_count(index, std::span(ranges).subspan(j * n_shards, n_shards)));
      }
      patterns.clear();
    };
    for (const std::uint32_t i : order_of(sequence, starts)) {
      const std::size_t size = starts[i + 1] - starts[i];
      if (size == 0) {
        counts[i] = static_cast<std::int64_t>(index.n_tokens());
        continue;
      }
      for (const Shard& shard : index.shards()) {
        searches.push_back(search_in(shard, sequence.pattern(starts[i], size)));
      }
      patterns.push_back(i);
      if (searches.size() >= kBatch) flush();
    }
    flush();
  });
  return counts;
}

ShardRanges narrow(const Index& index, std::span<const TokenId> context, std::span<const SuffixRange> ranges,
                   NextTokenId next_token) {
  std::vector<TokenId> tokens(context.begin(), context.end());
  if (next_token != kEndOfDocument) tokens.push_back(static_cast<TokenId>(next_token));
  if (context.empty()) return find(index, tokens);
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    const Sequence<Token> sequence(tokens);
    const Pattern<Token> pattern = sequence.pattern(0, context.size() + 1);
    std::vector<PatternSearch<Token>> searches;
    searches.reserve(ranges.size());
    for (std::size_t s = 0; s < ranges.size(); ++s) {
      searches.push_back({&index.shards()[s], pattern, ranges[s], context.size()});
    }
    return ranges_of(std::move(searches));
  });
}

}  // namespace infgram
