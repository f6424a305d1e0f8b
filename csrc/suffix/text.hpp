// The tokens of one shard, and how suffixes are compared.
//
// Order of suffixes: token by token, by token id, to the end of the document, which sorts below every token. Suffixes
// that are equal to their ends are ordered by position. Each document is terminated by a separator, whose bits are all
// ones; it is compared as the end of the document.
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
  static constexpr Token kSeparator = std::numeric_limits<Token>::max();
  // The number of tokens in a key: 8, 4 or 2.
  static constexpr unsigned kKeyTokens = 8 / sizeof(Token);
  static constexpr unsigned kTokenBits = 8 * sizeof(Token);

  Text(const Token* data, std::uint64_t size) : data_(data), size_(size) {}

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] Token operator[](Position position) const { return data_[position]; }
  [[nodiscard]] const Token* data() const { return data_; }

  // The next kKeyTokens tokens as one integer with the same order: the first token in the highest lane; each lane holds
  // id + 1, or 0 from the end of the document on. If two equal keys have a zero lowest lane, the suffixes are equal to
  // their ends. Cost: one unaligned load and a few operations. REQUIRES position < size().
  [[nodiscard]] std::uint64_t key(Position position) const {
    std::uint64_t word;
    std::memcpy(&word, data_ + position, sizeof word);
    return key_of(word);
  }

  // Token i of a key, plus 1; 0 from the end of the document on.
  [[nodiscard]] static Token lane(std::uint64_t key, unsigned i) {
    return static_cast<Token>(key >> (64 - kTokenBits * (i + 1)));
  }

  // Whether the document ends within the key.
  [[nodiscard]] static bool ends(std::uint64_t key) { return (key & kLaneMax) == 0; }

  // Like key(), from kKeyTokens tokens in memory order.
  [[nodiscard]] static std::uint64_t key_of(std::uint64_t word) {
    std::uint64_t key = first_lane_highest(word);
    key = ((key & ~kLaneTops) + kLaneOnes) ^ (key & kLaneTops);  // adds 1 to each lane; the separator becomes 0
    const std::uint64_t nonzero = ((key & ~kLaneTops) + ~kLaneTops) | key;
    const std::uint64_t zero_lanes = ~nonzero & kLaneTops;
    if (zero_lanes != 0) key &= ~(~std::uint64_t{0} >> std::countl_zero(zero_lanes));
    return key;
  }

  void prefetch(Position position) const { __builtin_prefetch(data_ + position); }

 private:
  static constexpr std::uint64_t kLaneMax = std::numeric_limits<Token>::max();
  static constexpr std::uint64_t kLaneOnes = ~std::uint64_t{0} / kLaneMax;
  static constexpr std::uint64_t kLaneTops = kLaneOnes << (kTokenBits - 1);

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

// A text whose token width is known only at run time: 8, 16 or 32 bits.
struct AnyText {
  const std::byte* data = nullptr;
  std::uint64_t size = 0;  // tokens, separators included
  unsigned token_bits = 0;

  // Calls f with the Text<Token> of this width. Throws QueryError for any other width.
  template <class F>
  decltype(auto) visit(F&& f) const {
    switch (token_bits) {
      case 8: return std::forward<F>(f)(Text<std::uint8_t>(reinterpret_cast<const std::uint8_t*>(data), size));
      case 16: return std::forward<F>(f)(Text<std::uint16_t>(reinterpret_cast<const std::uint16_t*>(data), size));
      case 32: return std::forward<F>(f)(Text<std::uint32_t>(reinterpret_cast<const std::uint32_t*>(data), size));
      default: throw QueryError("expected tokens of 8, 16 or 32 bits, not " + std::to_string(token_bits));
    }
  }
};

}  // namespace infgram
