// Finds the tokens with which a text can begin, continue and end.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/types.hpp"

namespace infgram {

// A deterministic automaton over bytes that accepts a text, or several equivalent ones. A view.
struct ByteAutomaton {
  static constexpr std::int32_t kDead = -1;
  static constexpr std::size_t kBytes = 256;

  std::span<const std::int32_t> next_states;  // [state * kBytes + byte]: the state after that byte, or kDead
  std::int32_t accept;                        // the state after the text; no byte is read after it

  [[nodiscard]] std::int32_t after(std::int32_t state, std::uint8_t byte) const {
    return next_states[static_cast<std::size_t>(state) * kBytes + byte];
  }
};

// The effect of a token on an automaton that reads it: the text ends in the token, or continues after it.
struct TokenStep {
  TokenId token;
  std::uint64_t begin;  // the first byte that was read
  std::int32_t state;   // after the last byte read: `accept`, or a state inside the text
  bool is_whole;        // whether the token's last byte was read, so that the text ends with the token or continues
};

// The bytes of all tokens, arranged so that only tokens whose first bytes match are examined. Immutable; safe for
// concurrent readers.
class Vocabulary {
 public:
  // Token i has the bytes [starts[i], starts[i + 1]) of `data`. Cost: one pass; 8 bytes of memory per byte. REQUIRES
  // starts that ascend from 0 to data.size(); fewer than 2^32 bytes.
  Vocabulary(std::vector<std::uint8_t> data, std::vector<std::uint64_t> starts);

  // Returns the steps of the tokens in which the text can begin, at any of their bytes: one step per byte. Cost:
  // O(bytes with which the text can begin).
  [[nodiscard]] std::vector<TokenStep> steps_inside(const ByteAutomaton& automaton) const;

  // Returns the steps of the tokens that can come next in `state`, read from their first byte. Cost: O(tokens whose
  // first two bytes match). REQUIRES a state other than `accept`.
  [[nodiscard]] std::vector<TokenStep> steps_after(const ByteAutomaton& automaton, std::int32_t state) const;

 private:
  // Reads a token from the byte at `place` on, and appends its step if it matches.
  void read(const ByteAutomaton& automaton, TokenId token, std::uint64_t place, std::int32_t state,
            std::vector<TokenStep>& steps) const;

  std::vector<std::uint8_t> data_;
  std::vector<std::uint64_t> starts_;
  std::vector<std::uint32_t> token_of_byte_;      // the token of each byte
  std::vector<std::uint32_t> bytes_by_value_;     // the places of all bytes, sorted by their value
  std::vector<std::uint32_t> byte_value_starts_;  // where each value begins in bytes_by_value_
  std::vector<TokenId> tokens_by_key_;            // the tokens, sorted by their first two bytes
  std::vector<std::uint32_t> key_starts_;         // where each key begins in tokens_by_key_
};

}  // namespace infgram
