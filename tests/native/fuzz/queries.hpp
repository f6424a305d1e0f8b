// Every query of the core.
#pragma once

#include "fuzz/hostile_index.hpp"
#include "query/conjunction.hpp"
#include "query/count_before.hpp"
#include "query/count_spans.hpp"
#include "query/duplicates.hpp"
#include "query/locate.hpp"
#include "query/longest_match.hpp"
#include "query/longest_suffix.hpp"
#include "query/match_pass.hpp"
#include "query/next_token.hpp"
#include "query/score.hpp"
#include "query/search.hpp"
#include "query/session.hpp"
#include "query/token_stream.hpp"
#include "query/window.hpp"

namespace fuzz {

inline const Poll kNoPoll = [](std::uint64_t) {};

inline void check_ids(const Index& index, std::span<const std::int64_t> ids) {
  for (const std::int64_t id : ids) {
    if (id < 0 || static_cast<std::uint64_t>(id) >= index.vocab_size()) std::abort();
  }
}

inline void check_next_tokens(const Index& index, const NextTokens& next) {
  NextTokenId last = kEndOfDocument - 1;
  for (const NextToken& token : next.tokens) {
    if (token.id <= last || token.id >= static_cast<NextTokenId>(index.vocab_size())) std::abort();
    last = token.id;
  }
}

inline void find_in(const Index& index, std::span<const TokenId> tokens, std::uint64_t seed) {
  const ShardRanges ranges = find(index, tokens);
  attempt([&] { check_next_tokens(index, next_tokens(index, ranges, tokens.size())); });
  attempt([&] { static_cast<void>(is_sparse(index, ranges, tokens.size())); });
  attempt([&] { static_cast<void>(locate(index, ranges, 20)); });
  attempt([&] { static_cast<void>(document_count(index, ranges, kNoPoll)); });
  static_cast<void>(sampled_documents(index, ranges, 5, seed, 40, {0, total_count(index, ranges)}));
}

inline void decode(const Index& index, std::span<const TokenId> tokens, std::uint64_t min_count) {
  Session session(index, tokens.first(tokens.size() / 2), min_count);
  for (const TokenId token : tokens.subspan(tokens.size() / 2)) session.append(token);
  check_next_tokens(index, session.distribution());
  static_cast<void>(session.continuation_count(kEndOfDocument));
  static_cast<void>(session.context_count());
}

inline void count_many(const Index& index, std::span<const TokenId> tokens) {
  if (tokens.empty()) return;
  const std::vector<Span> spans = {{0, 1}, {0, tokens.size()}, {tokens.size() / 2, tokens.size()}};
  attempt([&] { static_cast<void>(count_spans(index, tokens, spans)); });
  attempt([&] { static_cast<void>(count_before(index, tokens.first(1), tokens, spans)); });
  const std::vector<std::size_t> starts = {0, 0, tokens.size() / 2, tokens.size()};
  static_cast<void>(count_batch(index, tokens, starts));
}

inline void search_for(const Index& index, std::span<const TokenId> a, std::span<const TokenId> b,
                       std::uint64_t distance) {
  if (a.empty() || b.empty()) return;
  const auto terms = [](std::span<const TokenId> tokens) {
    return std::vector<std::vector<TokenId>>{
        {tokens.front()}, {tokens.begin(), tokens.begin() + std::min<std::ptrdiff_t>(3, std::ssize(tokens))}};
  };
  std::vector<Clause> clauses;
  clauses.emplace_back(index, terms(a));
  clauses.emplace_back(index, terms(b));
  const std::uint64_t count = clauses[0].count();
  const Conjunction conjunction(index, std::move(clauses), distance);
  attempt([&] {
    for (const MatchingDocument& found : conjunction.documents(kNoPoll)) {
      attempt([&] { static_cast<void>(conjunction.matches(found.document, 10, kNoPoll)); });
    }
  });
  static_cast<void>(conjunction.sampled_documents(std::min<std::uint64_t>(count, 30), 1, {0, count}, kNoPoll));
}

// Long matches, with bounds so small that they occur in a small index.
inline void match_long(const Index& index, std::span<const TokenId> tokens, std::uint64_t min_count) {
  if (tokens.size() <= 4) return;
  with_token_type(index, [&]<class Token>(Text<Token>) {
    MatchPass<Token> pass(index, tokens, min_count, {.n_short = 4, .compared = 3, .stride = 4});
    std::vector<std::uint64_t> positions;
    std::vector<std::uint64_t> lengths;
    for (std::uint64_t i = 0; i < tokens.size(); ++i) {
      if (!pass.is_searched(i) || pass.length(i) == 0) continue;
      positions.push_back(i);
      lengths.push_back(1 + pass.length(i) / 2);
    }
    static_cast<void>(pass.counts(positions, lengths));
  });
}

inline void find_duplicates(const Index& index, std::uint64_t min_tokens) {
  const Duplicates found = Duplicates::find(index, min_tokens, 1, kNoPoll, 64);
  for (const DocumentRange& range : found.ranges(0, kDocumentNumberLimit)) {
    if (range.begin >= range.end) std::abort();
  }
}

inline void read_stream(const Index& index, std::uint64_t begin) {
  const TokenStream stream(index);
  std::array<std::int64_t, 300> ids;
  stream.read(begin % (stream.size() + 10), 0, ids);
  check_ids(index, ids);
}

inline void find_removal(const Shard& shard, std::uint64_t document) {
  const std::array<std::uint64_t, 1> documents = {document % shard.n_stored_documents()};
  for (const Rank rank : ranks_of_documents(shard, documents, kNoPoll)) {
    if (rank >= shard.n_suffixes()) std::abort();
  }
}

// Asks what the next bytes of the input select.
inline void query(const Opened& opened, Input& input) {
  const Index& index = opened.index;
  const auto question = input.next<std::uint8_t>();
  const auto number = input.next<std::uint8_t>();
  const std::uint64_t min_count = 1 + number % 3;
  const std::vector<TokenId> tokens = sequence_of(opened, input);
  switch (question % 14) {
    case 0: return find_in(index, tokens, number);
    case 1: return find_in(index, std::span(tokens).first(std::min<std::size_t>(tokens.size(), 2)), number);
    case 2: {
      const LongestSuffix suffix = longest_suffix(index, tokens, min_count);
      return check_next_tokens(index, next_tokens(index, suffix.ranges, suffix.length));
    }
    case 3: return static_cast<void>(score(index, tokens, true, min_count));
    case 4: return static_cast<void>(longest_matches(index, tokens));
    case 5: return decode(index, tokens, min_count);
    case 6: return count_many(index, tokens);
    case 7:
    case 8: return search_for(index, tokens, sequence_of(opened, input), number % 4 == 0 ? kWholeDocument : number);
    case 9: return match_long(index, tokens, min_count);
    case 10: return check_ids(index, read_window(index, number * 10U, question, 1000));
    case 11: return read_stream(index, number * 10U);
    case 12: return find_removal(index.shards()[question / 14U % index.shards().size()], number);
    default: return find_duplicates(index, 1 + number % 40);
  }
}

}  // namespace fuzz
