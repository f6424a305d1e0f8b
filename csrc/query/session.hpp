// The ∞-gram of a growing context, as in decoding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/longest_suffix.hpp"
#include "query/next_token.hpp"

namespace infgram {

// The longest suffix, among those that occur often enough, of the tokens appended so far. Copies are independent, and
// cost the suffix and one range per shard. Not thread-safe; any number of sessions may share an index, which must
// outlive them.
class Session {
 public:
  // REQUIRES tokens below vocab_size, min_count > 0. Cost: one longest_suffix().
  Session(const Index& index, std::span<const TokenId> context, std::uint64_t min_count);

  // Appends a token. The suffix grows by at most one token, so its left end only moves right. Cost: one find inside the
  // current ranges; if the result is too rare, one longest_suffix() of the current suffix. REQUIRES token < vocab_size.
  void append(TokenId token);

  [[nodiscard]] std::span<const TokenId> suffix() const { return suffix_; }
  // Its occurrences.
  [[nodiscard]] std::uint64_t count() const { return total_count(*index_, ranges_); }
  // The tokens appended so far, including the initial context.
  [[nodiscard]] std::uint64_t n_tokens() const { return n_tokens_; }

  // The occurrences of the suffix; n_tokens + n_documents for the empty one, as in its next-token distribution.
  [[nodiscard]] std::uint64_t context_count() const;
  // How many of them `next_token` follows.
  [[nodiscard]] std::uint64_t continuation_count(NextTokenId next_token) const;
  // The next tokens of the suffix.
  [[nodiscard]] NextTokens distribution() const { return next_tokens(*index_, ranges_, suffix_.size()); }

 private:
  void set_suffix(std::uint64_t length, ShardRanges ranges);

  const Index* index_;
  std::uint64_t min_count_;
  std::uint64_t n_tokens_;
  std::vector<TokenId> suffix_;
  ShardRanges ranges_;
};

}  // namespace infgram
