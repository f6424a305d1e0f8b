// The units of the core.
//
// Position and Rank are aliases: they document interfaces, and the compiler does not tell them apart. Searches compute
// with both in every line, so wrapper types would hide the arithmetic behind conversions.
#pragma once

#include <cstdint>

namespace infgram {

// A vocabulary entry, in [0, vocab_size). Stored in 8, 16 or 32 bits; the all-ones value is the separator.
using TokenId = std::uint32_t;

// The id of a next token: a TokenId, or kEndOfDocument.
using NextTokenId = std::int64_t;
inline constexpr NextTokenId kEndOfDocument = -1;

// The code of a next token: 0 for the end of the document, otherwise the token id + 1. Ascends with NextTokenId. The
// code of a stored token is the token plus 1; that of a separator wraps to 0.
using TokenCode = std::uint32_t;

[[nodiscard]] constexpr TokenCode code_of(NextTokenId next_token) { return static_cast<TokenCode>(next_token + 1); }
[[nodiscard]] constexpr NextTokenId next_token_of(TokenCode code) { return static_cast<NextTokenId>(code) - 1; }

// An index into the tokens of one shard, separators included: [0, n_tokens + n_documents).
using Position = std::uint64_t;

// An index into the suffix array of one shard: [0, n_suffixes).
using Rank = std::uint64_t;

// The ranks [lo, hi) of the suffixes that begin with a pattern; empty if lo == hi. Its size includes the suffixes of
// removed documents: a pattern occurs Shard::live_count(range) times.
struct SuffixRange {
  Rank lo = 0;
  Rank hi = 0;
  [[nodiscard]] std::uint64_t size() const { return hi - lo; }
  [[nodiscard]] bool empty() const { return lo == hi; }
  bool operator==(const SuffixRange&) const = default;
};

}  // namespace infgram
