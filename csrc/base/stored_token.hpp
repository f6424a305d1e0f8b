// The types of stored tokens. Each determines a width and an order of suffixes (suffix/text.hpp).
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>

#include "base/types.hpp"

namespace infgram {

// A token of a text whose suffixes are ordered by the bytes of their tokens as they lie in memory, as memcmp orders
// them: the order of the indexes that infini-gram makes. It is stored as the id alone, and converts to it.
template <std::unsigned_integral Id>
struct Bytewise {
  Id id = 0;
  Bytewise() = default;
  // The lowest bits of a token id.
  constexpr explicit Bytewise(std::uint64_t token) : id(static_cast<Id>(token)) {}
  // NOLINTNEXTLINE(google-explicit-constructor,misc-explicit-constructor): it is used as its id
  constexpr operator Id() const { return id; }
};

// The unsigned integer that a stored token consists of.
template <class Token>
struct StoredIdOf {
  using Type = Token;
};
template <class Id>
struct StoredIdOf<Bytewise<Id>> {
  using Type = Id;
};
template <class Token>
using StoredId = StoredIdOf<Token>::Type;

template <class Token>
inline constexpr bool kIsBytewise = !std::same_as<Token, StoredId<Token>>;

template <std::unsigned_integral Id>
[[nodiscard]] constexpr Id with_bytes_reversed(Id id) {
  if constexpr (sizeof(Id) == 2) return __builtin_bswap16(id);
  if constexpr (sizeof(Id) == 4) return __builtin_bswap32(id);
  return id;
}

// The lane of a stored token: an integer that ascends with the order of suffixes.
template <class Token>
[[nodiscard]] constexpr StoredId<Token> lane_of(Token token) {
  const StoredId<Token> id = token;
  if constexpr (kIsBytewise<Token>) return with_bytes_reversed(id);
  return static_cast<StoredId<Token>>(id + 1);
}

// The lane of the separator, which is the end of a document: 0, or all ones if it sorts above every token.
template <class Token>
inline constexpr StoredId<Token> kEndLane = lane_of(Token{std::numeric_limits<StoredId<Token>>::max()});

// The code of the token with a lane, and the lane of a token with a code.
template <class Token>
[[nodiscard]] constexpr TokenCode code_of_lane(StoredId<Token> lane) {
  if constexpr (kIsBytewise<Token>) return static_cast<StoredId<Token>>(with_bytes_reversed(lane) + 1);
  return lane;
}
template <class Token>
[[nodiscard]] constexpr StoredId<Token> lane_of_code(TokenCode code) {
  return lane_of(static_cast<Token>(code - std::uint64_t{1}));
}

}  // namespace infgram
