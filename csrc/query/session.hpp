// The ∞-gram of a context that grows, as in decoding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/longest_suffix.hpp"
#include "query/next_token.hpp"

namespace infgram {

// The longest suffix, often enough in the index, of the tokens appended so far. A value: copies are independent, and
// cost what the suffix and a range a shard take. One thread at a time; any number of sessions share an index, which
// must outlive them.
class Session {
 public:
  // REQUIRES tokens below vocab_size, min_count > 0. Cost: one longest_suffix().
  Session(const Index& index, std::span<const TokenId> context, std::uint64_t min_count);

  // From one token to the next the suffix grows by at most one, so its left end only moves right.
  // Cost: one find inside the last ranges; when nothing is there, one longest_suffix() of what was used so far.
  // REQUIRES token < vocab_size.
  void append(TokenId token);

  [[nodiscard]] std::span<const TokenId> suffix() const { return suffix_; }
  [[nodiscard]] const ShardRanges& ranges() const { return ranges_; }
  // Tokens appended so far, the context's included.
  [[nodiscard]] std::uint64_t n_tokens() const { return n_tokens_; }

  // Occurrences of the suffix; n_tokens + n_documents of the index for the empty one, as next-token rows count.
  [[nodiscard]] std::uint64_t context_count() const;
  // Of those, how many `row` follows.
  [[nodiscard]] std::uint64_t continuation_count(RowId row) const;
  // What follows the suffix.
  [[nodiscard]] NextTokens distribution() const { return next_tokens(*index_, ranges_, suffix_.size()); }

 private:
  void take(std::uint64_t length, ShardRanges ranges);

  const Index* index_;
  std::uint64_t min_count_;
  std::uint64_t n_tokens_;
  std::vector<TokenId> suffix_;
  ShardRanges ranges_;
};

}  // namespace infgram
