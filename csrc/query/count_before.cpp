#include "query/count_before.hpp"

#include <algorithm>
#include <array>

#include "query/search_batch.hpp"

namespace infgram {
namespace {

constexpr std::uint64_t kReadsOfASearch = 16;  // a search takes as long as this many reads
constexpr std::size_t kMaxReadsInFlight = 32;
constexpr std::uint32_t kNone = ~std::uint32_t{0};

// Counts the tokens that directly precede the suffixes of a range and are heads. `head_of` maps a token to its head.
template <StoredToken Token>
void read_before(const Shard& shard, Text<Token> text, SuffixRange range, std::span<const std::uint32_t> head_of,
                 std::span<std::uint64_t> counts) {
  std::array<std::uint64_t, kMaxReadsInFlight> positions;
  for (LiveRanks ranks = shard.live_ranks(range); !ranks.is_done();) {
    std::size_t n = 0;
    for (; n < kMaxReadsInFlight && !ranks.is_done(); ++n, ranks.advance()) {
      positions[n] = shard.position(ranks.rank());
      if (positions[n] > 0) __builtin_prefetch(text.data() + positions[n] - 1);
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (positions[i] == 0) continue;
      const Token token = text[positions[i] - 1];
      if (token == Text<Token>::kSeparator || token >= head_of.size()) continue;
      if (const std::uint32_t head = head_of[token]; head != kNone) ++counts[head];
    }
  }
}

// Counts each head followed by the span.
template <StoredToken Token>
void search_before(const Shard& shard, std::span<const TokenId> heads, std::span<const TokenId> span,
                   std::span<std::uint64_t> counts) {
  std::vector<TokenId> tokens;
  tokens.reserve(heads.size() * (span.size() + 1));
  for (const TokenId head : heads) {
    tokens.push_back(head);
    tokens.insert(tokens.end(), span.begin(), span.end());
  }
  const Sequence<Token> sequence{std::span<const TokenId>(tokens)};
  std::vector<PatternSearch<Token>> searches;
  searches.reserve(heads.size());
  for (std::size_t h = 0; h < heads.size(); ++h) {
    searches.push_back(search_in(shard, sequence.pattern(h * (span.size() + 1), span.size() + 1)));
  }
  ShardRanges ranges(searches.size());
  insert_all<Token>(searches);
  extend_all<Token>(searches, ranges.data());
  for (std::size_t h = 0; h < heads.size(); ++h) counts[h] += shard.live_count(ranges[h]);
}

}  // namespace

std::vector<PrecededSpan> count_before(const Index& index, std::span<const TokenId> heads,
                                       std::span<const TokenId> tokens, std::span<const Span> spans) {
  std::vector<PrecededSpan> found;
  if (heads.empty()) return found;
  std::vector<std::uint32_t> head_of(*std::ranges::max_element(heads) + std::size_t{1}, kNone);
  for (std::size_t h = 0; h < heads.size(); ++h) head_of[heads[h]] = static_cast<std::uint32_t>(h);
  with_token_type(index, [&]<class Token>(Text<Token>) {
    const std::size_t n_shards = index.shards().size();
    const Sequence<Token> sequence(tokens);
    std::vector<PatternSearch<Token>> searches;
    searches.reserve(spans.size() * n_shards);
    for (const Span& span : spans) {
      const Pattern<Token> pattern = sequence.pattern(span.begin, span.end - span.begin);
      for (const Shard& shard : index.shards()) searches.push_back(search_in(shard, pattern));
    }
    ShardRanges ranges(searches.size());
    insert_all<Token>(searches);
    extend_all<Token>(searches, ranges.data());
    std::vector<std::uint64_t> counts(heads.size());
    for (std::size_t i = 0; i < spans.size(); ++i) {
      std::ranges::fill(counts, 0);
      for (std::size_t s = 0; s < n_shards; ++s) {
        const Shard& shard = index.shards()[s];
        const SuffixRange range = ranges[i * n_shards + s];
        if (shard.live_count(range) <= kReadsOfASearch * heads.size()) {
          read_before<Token>(shard, shard.typed_text<Token>(), range, head_of, counts);
        } else {
          search_before<Token>(shard, heads, tokens.subspan(spans[i].begin, spans[i].end - spans[i].begin), counts);
        }
      }
      for (std::size_t h = 0; h < heads.size(); ++h) {
        if (counts[h] > 0) found.push_back({i, h, counts[h]});
      }
    }
  });
  return found;
}

}  // namespace infgram
