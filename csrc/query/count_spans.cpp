#include "query/count_spans.hpp"

#include "query/jobs.hpp"

namespace infgram {

std::vector<std::int64_t> count_spans(const Index& index, std::span<const TokenId> tokens,
                                      std::span<const Span> spans) {
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    const Sequence<Token> sequence(tokens);
    std::vector<Job<Token>> jobs;
    jobs.reserve(spans.size() * index.shards().size());
    for (const Span& span : spans) {
      const Pattern<Token> pattern = sequence.pattern(span.begin, span.end - span.begin);
      for (const Shard& shard : index.shards()) jobs.push_back(job_for(shard, pattern));
    }
    ShardRanges ranges(jobs.size());
    insert_all<Token>(jobs);
    extend_all<Token>(jobs, ranges.data());
    std::vector<std::int64_t> counts;
    counts.reserve(spans.size());
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const auto of_span = std::span(ranges).subspan(i * index.shards().size(), index.shards().size());
      counts.push_back(static_cast<std::int64_t>(total_count(of_span)));
    }
    return counts;
  });
}

}  // namespace infgram
