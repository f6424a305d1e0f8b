#include "query/vocabulary.hpp"

#include <numeric>
#include <utility>

namespace infgram {
namespace {

constexpr std::size_t kBytes = ByteAutomaton::kBytes;
constexpr std::size_t kKeysOfAByte =
    kBytes + 1;  // for each first byte: the one-byte token, then the longer ones by their second byte

// Sorts the numbers [0, n) by their keys. `starts` receives where each key's numbers begin, and the end.
template <class T, class Key>
std::vector<T> sorted_by(std::size_t n, std::size_t n_keys, Key&& key_of, std::vector<std::uint32_t>& starts) {
  starts.assign(n_keys + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    if (const std::size_t key = key_of(i); key < n_keys) ++starts[key + 1];
  }
  std::partial_sum(starts.begin(), starts.end(), starts.begin());
  std::vector<std::uint32_t> next(starts.begin(), starts.end() - 1);
  std::vector<T> order(starts.back());
  for (std::size_t i = 0; i < n; ++i) {
    if (const std::size_t key = key_of(i); key < n_keys) order[next[key]++] = static_cast<T>(i);
  }
  return order;
}

}  // namespace

Vocabulary::Vocabulary(std::vector<std::uint8_t> data, std::vector<std::uint64_t> starts)
    : data_(std::move(data)), starts_(std::move(starts)), token_of_byte_(data_.size()) {
  const std::size_t n_tokens = starts_.size() - 1;
  for (std::size_t token = 0; token < n_tokens; ++token) {
    for (std::uint64_t place = starts_[token]; place < starts_[token + 1]; ++place) {
      token_of_byte_[place] = static_cast<std::uint32_t>(token);
    }
  }
  bytes_by_value_ = sorted_by<std::uint32_t>(
      data_.size(), kBytes, [&](std::size_t place) { return std::size_t{data_[place]}; }, byte_value_starts_);
  constexpr std::size_t kKeys = kBytes * kKeysOfAByte;
  const auto key_of = [&](std::size_t token) {
    const std::uint64_t length = starts_[token + 1] - starts_[token];
    if (length == 0) return kKeys;  // an empty token continues no text
    const std::uint8_t* const bytes = data_.data() + starts_[token];
    return std::size_t{bytes[0]} * kKeysOfAByte + (length == 1 ? 0 : std::size_t{bytes[1]} + 1);
  };
  tokens_by_key_ = sorted_by<TokenId>(n_tokens, kKeys, key_of, key_starts_);
}

void Vocabulary::read(const ByteAutomaton& automaton, TokenId token, std::uint64_t place, std::int32_t state,
                      std::vector<TokenStep>& steps) const {
  const std::uint64_t begin = place - starts_[token];
  const std::uint64_t end = starts_[token + 1];
  while (place < end) {
    state = automaton.after(state, data_[place++]);
    if (state == ByteAutomaton::kDead) return;
    if (state == automaton.accept) break;
  }
  steps.push_back({token, begin, state, place == end});
}

std::vector<TokenStep> Vocabulary::steps_inside(const ByteAutomaton& automaton) const {
  std::vector<TokenStep> steps;
  for (std::size_t byte = 0; byte < kBytes; ++byte) {
    if (automaton.after(0, static_cast<std::uint8_t>(byte)) == ByteAutomaton::kDead) continue;
    for (std::uint32_t i = byte_value_starts_[byte]; i < byte_value_starts_[byte + 1]; ++i) {
      read(automaton, token_of_byte_[bytes_by_value_[i]], bytes_by_value_[i], 0, steps);
    }
  }
  return steps;
}

std::vector<TokenStep> Vocabulary::steps_after(const ByteAutomaton& automaton, std::int32_t state) const {
  std::vector<TokenStep> steps;
  const auto read_all = [&](std::size_t first_key, std::size_t end_key) {
    for (std::uint32_t i = key_starts_[first_key]; i < key_starts_[end_key]; ++i) {
      read(automaton, tokens_by_key_[i], starts_[tokens_by_key_[i]], state, steps);
    }
  };
  for (std::size_t first = 0; first < kBytes; ++first) {
    const std::int32_t next = automaton.after(state, static_cast<std::uint8_t>(first));
    if (next == ByteAutomaton::kDead) continue;
    const std::size_t key = first * kKeysOfAByte;
    if (next == automaton.accept) {
      read_all(key, key + kKeysOfAByte);
      continue;
    }
    read_all(key, key + 1);
    for (std::size_t second = 0; second < kBytes; ++second) {
      if (automaton.after(next, static_cast<std::uint8_t>(second)) == ByteAutomaton::kDead) continue;
      read_all(key + 1 + second, key + 2 + second);
    }
  }
  return steps;
}

}  // namespace infgram
