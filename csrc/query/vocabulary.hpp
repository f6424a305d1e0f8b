// Which tokens of a vocabulary a text can begin with, go on with and end with.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"

namespace infgram {

// A deterministic automaton over bytes that recognises a text, or several of one meaning. A view.
struct ByteAutomaton {
  static constexpr std::int32_t kDead = -1;
  static constexpr std::size_t kBytes = 256;

  std::span<const std::int32_t> next_states;  // [state * kBytes + byte]: the state after that byte, or kDead
  std::int32_t accept;                        // the state after the text; nothing is read after it

  [[nodiscard]] std::int32_t after(std::int32_t state, std::uint8_t byte) const {
    return next_states[static_cast<std::size_t>(state) * kBytes + byte];
  }
};

// What one token does to an automaton that reads it: it finishes the text, or ends inside it.
struct TokenStep {
  TokenId token;
  std::uint64_t begin;  // bytes of the token before the first that was read
  std::int32_t state;   // after the last byte that was read: `accept`, or a state inside the text
  bool is_whole;        // whether the token's last byte was read: it does not reach beyond the text
};

// The bytes of all tokens, arranged so that only tokens whose first bytes fit are looked at.
// Immutable; safe for concurrent readers.
class Vocabulary {
 public:
  // Token i has the bytes [starts[i], starts[i + 1]) of `data`. Cost: a pass over them; memory: 8 bytes a byte.
  // REQUIRES starts that ascend from 0 to data.size(); less than 2^32 bytes.
  Vocabulary(std::vector<std::uint8_t> data, std::vector<std::uint64_t> starts);

  // The steps of the tokens in which the text begins, at whatever byte of them: one for each such place.
  // Cost: a look at each byte with which the text can begin.
  [[nodiscard]] std::vector<TokenStep> steps_inside(const ByteAutomaton& automaton) const;

  // The steps of the tokens that may come next in `state`, read from their first byte on.
  // Cost: a look at each token whose first two bytes fit. REQUIRES a state that is not `accept`.
  [[nodiscard]] std::vector<TokenStep> steps_after(const ByteAutomaton& automaton, std::int32_t state) const;

 private:
  // Lets the token that holds `place` be read from there on, and appends its step unless it does not fit.
  void read(const ByteAutomaton& automaton, TokenId token, std::uint64_t place, std::int32_t state,
            std::vector<TokenStep>& steps) const;

  std::vector<std::uint8_t> data_;
  std::vector<std::uint64_t> starts_;
  std::vector<std::uint32_t> owners_;        // of each byte, its token
  std::vector<std::uint32_t> places_;        // the places of all bytes, by byte
  std::vector<std::uint32_t> place_starts_;  // where those of a byte begin in places_
  std::vector<TokenId> tokens_;              // the tokens, by their first two bytes
  std::vector<std::uint32_t> token_starts_;  // where those of a key begin in tokens_
};

}  // namespace infgram
