#include "query/search.hpp"

#include <algorithm>

#include "query/jobs.hpp"

namespace infgram {
namespace {

constexpr std::size_t kBatch = 512;  // patterns whose state stays in the cache together

template <class Token>
ShardRanges ranges_of(std::vector<Job<Token>> jobs) {
  ShardRanges ranges(jobs.size());
  insert_all<Token>(jobs);
  extend_all<Token>(jobs, ranges.data());
  return ranges;
}

// The patterns in the order of their first tokens, so that neighbours read neighbouring parts of directory and array.
template <class Token>
std::vector<std::uint32_t> order_of(const Sequence<Token>& sequence, std::span<const std::size_t> starts) {
  std::vector<std::uint64_t> keys;  // the first tokens, then the pattern's number
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
  for (const Shard& shard : index.shards()) ranges.push_back({0, shard.n_tokens()});
  return ranges;
}

}  // namespace

std::uint64_t total_count(std::span<const SuffixRange> ranges) {
  std::uint64_t count = 0;
  for (const SuffixRange& range : ranges) count += range.count();
  return count;
}

ShardRanges find(const Index& index, std::span<const TokenId> pattern) {
  if (pattern.empty()) return everything(index);
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    const Sequence<Token> sequence(pattern);
    std::vector<Job<Token>> jobs;
    jobs.reserve(index.shards().size());
    for (const Shard& shard : index.shards()) jobs.push_back(job_for(shard, sequence.pattern(0, pattern.size())));
    return ranges_of(std::move(jobs));
  });
}

std::vector<std::int64_t> count_batch(const Index& index, std::span<const TokenId> tokens,
                                      std::span<const std::size_t> starts) {
  const std::size_t n = starts.size() - 1;
  std::vector<std::int64_t> counts(n);
  with_token_type(index, [&]<class Token>(Text<Token>) {
    const Sequence<Token> sequence(tokens);
    std::vector<Job<Token>> jobs;
    std::vector<std::size_t> pattern_of_job;
    const auto flush = [&] {
      const ShardRanges ranges = ranges_of(std::exchange(jobs, {}));
      for (std::size_t j = 0; j < ranges.size(); ++j) {
        counts[pattern_of_job[j]] += static_cast<std::int64_t>(ranges[j].count());
      }
      pattern_of_job.clear();
    };
    for (const std::uint32_t i : order_of(sequence, starts)) {
      const std::size_t size = starts[i + 1] - starts[i];
      if (size == 0) {
        counts[i] = static_cast<std::int64_t>(index.n_tokens());
        continue;
      }
      for (const Shard& shard : index.shards()) {
        jobs.push_back(job_for(shard, sequence.pattern(starts[i], size)));
        pattern_of_job.push_back(i);
      }
      if (jobs.size() >= kBatch) flush();
    }
    flush();
  });
  return counts;
}

ShardRanges narrow(const Index& index, std::span<const TokenId> context, std::span<const SuffixRange> ranges,
                   RowId row) {
  std::vector<TokenId> tokens(context.begin(), context.end());
  if (row != kEndOfDocument) tokens.push_back(static_cast<TokenId>(row));
  if (context.empty()) return find(index, tokens);
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    const Sequence<Token> sequence(tokens);
    const Pattern<Token> pattern = sequence.pattern(0, context.size() + 1);
    std::vector<Job<Token>> jobs;
    for (std::size_t s = 0; s < ranges.size(); ++s) {
      jobs.push_back({&index.shards()[s], pattern, ranges[s], context.size()});
    }
    return ranges_of(std::move(jobs));
  });
}

}  // namespace infgram
