// The first tokens of every 64th suffix, kept in memory: most of a search ends here, before the array is touched.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>

#include "base/types.hpp"
#include "storage/format.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Where a pattern can stand among sorted suffixes: those of ranks below `lo` sort before it, those from `hi` on at it
// or after it. `below` and `above` are how many tokens the suffixes at lo - 1 and at hi share with it.
struct Bracket {
  std::uint64_t lo;
  std::uint64_t hi;
  std::uint64_t below;
  std::uint64_t above;
};

// One end of a run of suffixes that share a prefix: `inside` is the last known to share it, `outside` the nearest
// known not to (it may be -1 or n_tokens). The end lies between them, in either direction.
struct Edge {
  std::int64_t inside;
  std::int64_t outside;
  [[nodiscard]] std::int64_t direction() const { return outside > inside ? 1 : -1; }
  // Half-way between them. REQUIRES gap() > 1.
  [[nodiscard]] std::int64_t middle() const { return std::min(inside, outside) + 1 + (gap() - 1) / 2; }
  [[nodiscard]] std::int64_t gap() const { return outside > inside ? outside - inside : inside - outside; }
};

// A view of the sampled keys: key s is that of the suffix of rank s * kSampleStep, from its second token on, as
// Text::key gives it. The first token is known from first_token_starts. An index of version 1 has none; then no
// function narrows anything.
class Directory {
 public:
  Directory() = default;
  explicit Directory(std::span<const std::uint64_t> keys) : keys_(keys) {}

  [[nodiscard]] bool holds(std::uint64_t rank) const {
    return rank % kSampleStep == 0 && rank / kSampleStep < keys_.size();
  }
  // REQUIRES holds(rank).
  [[nodiscard]] std::uint64_t key(std::uint64_t rank) const { return keys_[rank / kSampleStep]; }

  // Narrows the bracket of a pattern of `size` tokens, `key` being that of its second to its last (at most
  // kKeyTokens) token. REQUIRES suffixes in [lo, hi) that begin with the pattern's first token.
  // Cost: O(log((hi - lo) / kSampleStep)), in memory.
  template <class Token>
  void narrow(Bracket& bracket, std::uint64_t key, std::uint64_t size) const {
    const std::uint64_t* const first = keys_.data() + sample_at_or_after(bracket.lo);
    const std::uint64_t* const last = keys_.data() + sample_at_or_after(bracket.hi);
    const std::uint64_t* above = lower_bound(first, last, key);
    if (above > first) {
      bracket.lo = rank_of(above - 1) + 1;
      bracket.below = shared<Token>(above[-1], key, size);
    }
    // A longer pattern can stand anywhere among the suffixes that have its key.
    if (size > 1 + Text<Token>::kKeyTokens) above = std::upper_bound(above, last, key);
    if (above < last) {
      bracket.hi = rank_of(above);
      bracket.above = shared<Token>(*above, key, size);
    }
  }

  // Narrows an edge of the run that shares `length` tokens with a pattern of this key. Returns whether `inside` moved.
  // REQUIRES that all between inside and outside begin with the pattern's first token; length > 0.
  // Cost: O(log(samples passed)), in memory.
  template <class Token>
  bool narrow(Edge& edge, std::uint64_t key, std::uint64_t length) const {
    const std::int64_t direction = edge.direction();
    const auto size = static_cast<std::int64_t>(keys_.size());
    // The samples strictly between the two, from the inner to the outer.
    const std::int64_t inner =
        direction > 0 ? edge.inside / kStep + 1 : std::min((edge.inside + kStep - 1) / kStep, size) - 1;
    const std::int64_t outer = direction > 0      ? std::min((edge.outside + kStep - 1) / kStep, size)
                               : edge.outside < 0 ? -1
                                                  : edge.outside / kStep;
    const std::int64_t n = (outer - inner) * direction;
    const std::uint64_t mask = prefix_mask<Token>(length);
    const auto shares = [&](std::int64_t i) {
      return ((keys_[static_cast<std::size_t>(inner + i * direction)] ^ key) & mask) == 0;
    };
    std::int64_t n_sharing = 0;  // by doubling steps, then by halves
    bool is_doubling = true;
    for (std::int64_t end = n, step = 1; n_sharing < end; step *= 2) {
      if (!is_doubling) step = (end - n_sharing + 1) / 2;
      step = std::min(step, end - n_sharing);
      if (shares(n_sharing + step - 1)) {
        n_sharing += step;
      } else {
        end = n_sharing + step - 1;
        is_doubling = false;
      }
    }
    if (n_sharing < n) edge.outside = (inner + n_sharing * direction) * kStep;
    if (n <= 0 || n_sharing == 0 || length > 1 + Text<Token>::kKeyTokens) return false;
    edge.inside = (inner + (n_sharing - 1) * direction) * kStep;
    return true;
  }

  // Whether the samples show that the first `length` tokens of a pattern of this key occur at least `count` times in
  // `range`. REQUIRES that all in `range` begin with its first token; 0 < length <= 1 + kKeyTokens, count > 0.
  template <class Token>
  [[nodiscard]] bool shows(SuffixRange range, std::uint64_t key, std::uint64_t length, std::uint64_t count) const {
    const std::uint64_t mask = prefix_mask<Token>(length);
    const std::uint64_t* const last = keys_.data() + sample_at_or_after(range.hi);
    const std::uint64_t* const begin = lower_bound(keys_.data() + sample_at_or_after(range.lo), last, key & mask);
    const std::uint64_t n_more = (count - 1 + kSampleStep - 1) / kSampleStep;  // samples after the first
    return n_more < static_cast<std::uint64_t>(last - begin) && ((begin[n_more] ^ key) & mask) == 0;
  }

 private:
  static constexpr auto kStep = static_cast<std::int64_t>(kSampleStep);

  // Without branches that depend on the keys, so that the reads of two levels overlap.
  static const std::uint64_t* lower_bound(const std::uint64_t* first, const std::uint64_t* last, std::uint64_t key) {
    auto n = static_cast<std::size_t>(last - first);
    if (n == 0) return first;
    while (n > 1) {
      const std::size_t half = n / 2;
      __builtin_prefetch(first + half / 2);
      __builtin_prefetch(first + half + half / 2);
      first += first[half - 1] < key ? half : 0;
      n -= half;
    }
    return first + (*first < key ? 1 : 0);
  }

  [[nodiscard]] std::size_t sample_at_or_after(std::uint64_t rank) const {
    return static_cast<std::size_t>(std::min<std::uint64_t>((rank + kSampleStep - 1) / kSampleStep, keys_.size()));
  }
  [[nodiscard]] std::uint64_t rank_of(const std::uint64_t* sample) const {
    return static_cast<std::uint64_t>(sample - keys_.data()) * kSampleStep;
  }

  template <class Token>
  static std::uint64_t shared(std::uint64_t a, std::uint64_t b, std::uint64_t size) {
    const unsigned n_lanes = static_cast<unsigned>(std::countl_zero(a ^ b)) / Text<Token>::kTokenBits;
    return std::min<std::uint64_t>(size, 1 + n_lanes);
  }

  // The lanes of tokens 2 to `length`.
  template <class Token>
  static std::uint64_t prefix_mask(std::uint64_t length) {
    if (length > Text<Token>::kKeyTokens) return ~std::uint64_t{0};
    return ~(~std::uint64_t{0} >> ((length - 1) * Text<Token>::kTokenBits));
  }

  std::span<const std::uint64_t> keys_;
};

}  // namespace infgram
