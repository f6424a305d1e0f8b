#include "query/clause.hpp"

#include <algorithm>
#include <numeric>

#include "base/errors.hpp"
#include "query/pattern.hpp"
#include "suffix/key_range.hpp"

namespace infgram {
namespace {

using Terms = std::vector<std::vector<TokenId>>;

// In lexicographic order, a term is directly followed by its extensions.
Terms without_extensions(Terms terms) {
  std::ranges::sort(terms);
  Terms kept;
  for (auto& term : terms) {
    const bool extends = !kept.empty() && kept.back().size() <= term.size() &&
                         std::equal(kept.back().begin(), kept.back().end(), term.begin());
    if (!extends) kept.push_back(std::move(term));
  }
  return kept;
}

// Returns the smallest and the largest key of suffixes that begin with the pattern.
template <StoredToken Token>
std::pair<std::uint64_t, std::uint64_t> key_bounds(Pattern<Token> pattern) {
  const std::uint64_t smallest = pattern.key_from_first();
  if (pattern.size >= Text<Token>::kKeyTokens) return {smallest, smallest};
  return {smallest, smallest | (~std::uint64_t{0} >> (pattern.size * Text<Token>::kTokenBits))};
}

}  // namespace

Clause::Clause(const Index& index, Terms terms) : terms_(without_extensions(std::move(terms))) {
  ranges_.resize(index.shards().size());
  counts_.resize(index.shards().size());
  for (const auto& term : terms_) {
    if (term.empty()) {
      throw QueryError("a term of the query is empty and would match everywhere; expected at least one token");
    }
    const ShardRanges found = find(index, term);
    for (std::size_t s = 0; s < found.size(); ++s) {
      ranges_[s].push_back(found[s]);
      counts_[s] += index.shards()[s].live_count(found[s]);
    }
  }
}

std::uint64_t Clause::count() const { return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0}); }

std::vector<Position> Clause::scan(const Shard& shard, std::span<const Shard::Span> spans, const Poll& poll) const {
  std::vector<std::uint64_t> found;
  shard.text().visit([&]<class Token>(Text<Token> text) {
    std::vector<Sequence<Token>> sequences;
    sequences.reserve(terms_.size());
    for (const auto& term : terms_) sequences.emplace_back(std::span(term));
    for (const Shard::Span& span : spans) {
      const auto before = static_cast<std::ptrdiff_t>(found.size());
      for (const Sequence<Token>& sequence : sequences) {
        const Pattern<Token> pattern = sequence.pattern(0, sequence.size());
        const auto [smallest, largest] = key_bounds(pattern);
        KeyRange<Token>(text, smallest, largest).for_each(span.begin, span.end, [&](Position position) {
          if (pattern.shared(text, position, 0, pattern.size) == pattern.size) found.push_back(position);
        });
      }
      if (sequences.size() > 1) std::sort(found.begin() + before, found.end());
      poll(span.end - span.begin);
    }
  });
  return found;
}

std::uint64_t Clause::length_at(const Shard& shard, Position position) const {
  return shard.text().visit([&]<class Token>(Text<Token> text) -> std::uint64_t {
    for (const auto& term : terms_) {
      const Sequence<Token> sequence{std::span(term)};
      const Pattern<Token> pattern = sequence.pattern(0, term.size());
      if (pattern.shared(text, position, 0, term.size()) == term.size()) return term.size();
    }
    return 0;
  });
}

}  // namespace infgram
