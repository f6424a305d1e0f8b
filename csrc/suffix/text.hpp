// The tokens of one shard, and how suffixes are compared.
//
// Each document is terminated by a separator, whose bits are all ones; it is compared as the end of the document.
// Suffixes are ordered token by token to the end of the document, by lanes: integers of the width of a token. There are
// two orders, and the type of the stored tokens says which one a text has:
//
//   std::uint16_t, …  by token id; the end of the document sorts below every token. The lane is the token id + 1, 0 at
//                     the end. Suffixes that are equal to their ends are ordered by position.
//   Bytewise<…>       by the bytes of the tokens in memory; the end of the document sorts above every token. The lane
//   is
//                     the token with its bytes reversed, all ones at the end. Suffixes that are equal to their ends are
//                     in any order.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "base/concepts.hpp"
#include "base/errors.hpp"
#include "base/types.hpp"

namespace infgram {

// A view of tokens of one width: documents one after the other, each followed by a separator. The memory must outlive
// the view, with at least 16 readable bytes after the last token.
template <StoredToken Token>
class Text {
 public:
  using Id = StoredId<Token>;
  static constexpr Token kSeparator{std::numeric_limits<Id>::max()};
  // The number of tokens in a key: 8, 4 or 2.
  static constexpr unsigned kKeyTokens = 8 / sizeof(Token);
  static constexpr unsigned kTokenBits = 8 * sizeof(Token);

  Text(const Token* data, std::uint64_t size) : data_(data), size_(size) {}

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Token operator[](Position position) const { return data_[position]; }
  [[nodiscard]] const Token* data() const { return data_; }

  // The next kKeyTokens tokens as one integer with the same order: the lane of the first token is the highest; all
  // lanes from the end of the document on are kEndLane. If two equal keys end, the suffixes are equal to their ends.
  // Cost: one unaligned load and a few operations. REQUIRES position < size().
  [[nodiscard]] std::uint64_t key(Position position) const {
    std::uint64_t word;
    std::memcpy(&word, data_ + position, sizeof word);
    return key_of(word);
  }

  // Lane i of a key.
  [[nodiscard]] static Id lane(std::uint64_t key, unsigned i) {
    return static_cast<Id>(key >> (64 - kTokenBits * (i + 1)));
  }

  // Whether the document ends within the key.
  [[nodiscard]] static bool ends(std::uint64_t key) { return (key & kLaneMax) == kEndLane<Token>; }

  // The number of tokens in the key before the end of the document.
  [[nodiscard]] static unsigned n_tokens(std::uint64_t key) {
    constexpr std::uint64_t kEnds = kEndLane<Token> * kLaneOnes;
    return kKeyTokens - static_cast<unsigned>(std::countr_zero(key ^ kEnds)) / kTokenBits;
  }

  // Like key(), from kKeyTokens tokens in memory order.
  [[nodiscard]] static std::uint64_t key_of(std::uint64_t word) {
    if constexpr (kIsBytewise<Token>) {
      const std::uint64_t key = __builtin_bswap64(word);
      const std::uint64_t ends = zero_lanes(~key);
      return ends == 0 ? key : key | ~std::uint64_t{0} >> std::countl_zero(ends);
    }
    std::uint64_t key = first_lane_highest(word);
    key = ((key & ~kLaneTops) + kLaneOnes) ^ (key & kLaneTops);  // adds 1 to each lane; the separator becomes 0
    const std::uint64_t ends = zero_lanes(key);
    if (ends != 0) key &= ~(~std::uint64_t{0} >> std::countl_zero(ends));
    return key;
  }

  void prefetch(Position position) const { __builtin_prefetch(data_ + position); }

 private:
  static constexpr std::uint64_t kLaneMax = std::numeric_limits<Id>::max();
  static constexpr std::uint64_t kLaneOnes = ~std::uint64_t{0} / kLaneMax;
  static constexpr std::uint64_t kLaneTops = kLaneOnes << (kTokenBits - 1);

  // The highest bit of each lane that is zero.
  static std::uint64_t zero_lanes(std::uint64_t key) { return ~(((key & ~kLaneTops) + ~kLaneTops) | key) & kLaneTops; }

  static std::uint64_t first_lane_highest(std::uint64_t word) {
    if constexpr (sizeof(Token) == 4) return std::rotl(word, 32);
    word = __builtin_bswap64(word);
    if constexpr (sizeof(Token) == 2) {
      constexpr std::uint64_t kLowBytes = 0x00FF00FF00FF00FF;
      word = ((word >> 8) & kLowBytes) | ((word & kLowBytes) << 8);
    }
    return word;
  }

  const Token* data_;
  std::uint64_t size_;
};

// A text whose token type is known only at run time.
struct AnyText {
  const std::byte* data = nullptr;
  std::uint64_t size = 0;  // tokens, separators included
  unsigned token_bits = 0;
  bool is_bytewise = false;  // whether suffixes are ordered by bytes

  // Calls f with the Text<Token> of this width and order. Throws QueryError for a width other than 8, 16 or 32.
  template <class F>
  decltype(auto) visit(F&& f) const {
    if (!is_bytewise) return visit_by_token_id(std::forward<F>(f));
    switch (token_bits) {
      case 8: return std::forward<F>(f)(typed<Bytewise<std::uint8_t>>());
      case 16: return std::forward<F>(f)(typed<Bytewise<std::uint16_t>>());
      case 32: return std::forward<F>(f)(typed<Bytewise<std::uint32_t>>());
      default: throw_bad_width();
    }
  }

  // Like visit(), in the order by token id, whatever order the text has. For what sorts texts or reads only tokens.
  template <class F>
  decltype(auto) visit_by_token_id(F&& f) const {
    switch (token_bits) {
      case 8: return std::forward<F>(f)(typed<std::uint8_t>());
      case 16: return std::forward<F>(f)(typed<std::uint16_t>());
      case 32: return std::forward<F>(f)(typed<std::uint32_t>());
      default: throw_bad_width();
    }
  }

  // REQUIRES sizeof(Token) * 8 == token_bits.
  template <StoredToken Token>
  [[nodiscard]] Text<Token> typed() const {
    return {reinterpret_cast<const Token*>(data), size};
  }

 private:
  [[noreturn]] void throw_bad_width() const {
    throw QueryError("expected tokens of 8, 16 or 32 bits, not " + std::to_string(token_bits));
  }
};

}  // namespace infgram
