// The tokens of a query, encoded like the text.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/concepts.hpp"
#include "base/types.hpp"
#include "suffix/text.hpp"

namespace infgram {

// The tokens [data, data + size) to search for. The last may be the separator, which matches the end of a document. A
// view of a Sequence.
template <StoredToken Token>
struct Pattern {
  const Token* data;
  std::uint64_t size;

  // The key from the second token on, as the directory compares it. REQUIRES size > 0.
  [[nodiscard]] std::uint64_t key() const { return key_of(data + 1, size - 1); }
  // The key from the first token on.
  [[nodiscard]] std::uint64_t key_from_first() const { return key_of(data, size); }

  // Returns how many tokens the suffix at `position` shares with the pattern, at most `most`, given that it shares the
  // first `depth`. Never reads beyond the text, even if it lost its last separator (storage/truncation.hpp).
  // REQUIRES most <= size; position + depth < text.size().
  [[nodiscard]] std::uint64_t shared(Text<Token> text, Position position, std::uint64_t depth,
                                     std::uint64_t most) const {
    const Token* const suffix = text.data() + position;
    most = std::min(most, text.size() - position);
    for (; depth < most; depth += Text<Token>::kKeyTokens) {
      std::uint64_t a;
      std::uint64_t b;
      std::memcpy(&a, suffix + depth, sizeof a);
      std::memcpy(&b, data + depth, sizeof b);
      if (a == b) continue;
      const unsigned n_equal = static_cast<unsigned>(std::countr_zero(a ^ b)) / Text<Token>::kTokenBits;
      return std::min(most, depth + n_equal);
    }
    return most;
  }

  // Returns how many tokens before `position` equal those before the pattern, at most `most`. REQUIRES at least `most`
  // tokens of the sequence before the pattern.
  [[nodiscard]] std::uint64_t shared_before(Text<Token> text, Position position, std::uint64_t most) const {
    most = std::min(most, position);
    const Token* const before = text.data() + position;
    std::uint64_t n = 0;
    for (constexpr std::uint64_t k = Text<Token>::kKeyTokens; n + k <= most; n += k) {
      if (std::memcmp(before - n - k, data - n - k, sizeof(std::uint64_t)) != 0) break;
    }
    while (n < most && *(before - n - 1) == *(data - n - 1)) ++n;
    return n;
  }

  // Whether a token of the text sorts before the pattern's token at `depth`.
  [[nodiscard]] bool sorts_after(Token token, std::uint64_t depth) const {
    return lane_of(token) < lane_of(data[depth]);
  }

 private:
  static std::uint64_t key_of(const Token* first, std::uint64_t n_tokens) {
    std::uint64_t word;
    std::memcpy(&word, first, sizeof word);
    const std::uint64_t key = Text<Token>::key_of(word);
    if (n_tokens >= Text<Token>::kKeyTokens) return key;
    return key & ~(~std::uint64_t{0} >> (n_tokens * Text<Token>::kTokenBits));
  }
};

// Owns the tokens of a query, encoded like the text and followed by separators for wide loads.
template <StoredToken Token>
class Sequence {
 public:
  // REQUIRES tokens that fit the width, without separators.
  explicit Sequence(std::span<const TokenId> tokens) {
    tokens_.reserve(tokens.size() + kPadding);
    for (const TokenId token : tokens) tokens_.push_back(static_cast<Token>(token));
    tokens_.resize(tokens_.size() + kPadding, Text<Token>::kSeparator);
  }

  [[nodiscard]] std::uint64_t size() const { return tokens_.size() - kPadding; }

  // The `size` tokens from `begin` on. begin + size may be size() + 1; the last token is then the end of the document.
  [[nodiscard]] Pattern<Token> pattern(std::uint64_t begin, std::uint64_t size) const {
    return {tokens_.data() + begin, size};
  }

 private:
  static constexpr std::size_t kPadding = 2 * Text<Token>::kKeyTokens + 1;
  std::vector<Token> tokens_;
};

}  // namespace infgram
