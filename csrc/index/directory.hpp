// The first tokens of every 64th suffix, kept in memory: most of a search ends here, before the array is touched.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
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
// Text::key gives it. The first token is known from first_token_starts. The top, every kTopStep-th key, stays in the
// cache. An index of version 1 has none; then no function narrows anything.
class Directory {
 public:
  // Neighbouring samples among which the first whose key is not below another one is, or which it follows.
  struct Stretch {
    const std::uint64_t* first;
    const std::uint64_t* last;
    [[nodiscard]] std::ptrdiff_t size() const { return last - first; }
    [[nodiscard]] const std::uint64_t* middle() const { return first + size() / 2; }
  };

  Directory() = default;
  // The section's payload for a shard of so many tokens; or all keys alone.
  Directory(std::span<const std::uint64_t> payload, std::uint64_t n_tokens)
      : top_(payload.first(static_cast<std::size_t>(n_top_keys(n_tokens)))),
        keys_(payload.subspan(static_cast<std::size_t>(n_top_keys(n_tokens)))) {}
  explicit Directory(std::span<const std::uint64_t> keys) : keys_(keys) {}

  [[nodiscard]] bool holds(std::uint64_t rank) const {
    return rank % kSampleStep == 0 && rank / kSampleStep < keys_.size();
  }
  // REQUIRES holds(rank).
  [[nodiscard]] std::uint64_t key(std::uint64_t rank) const { return keys_[rank / kSampleStep]; }

  // Narrowing the bracket of a pattern goes by steps, between which the caller may wait for what was prefetched:
  //
  //     Stretch stretch = directory.stretch(bracket, key);
  //     while (directory.is_wide(stretch)) directory.cut(stretch, key);
  //     directory.narrow<Token>(bracket, stretch, key, size);

  // The stretch in which the end of `bracket` lies, from the top. `key` is that of the pattern's second to its last (at
  // most kKeyTokens) token. REQUIRES suffixes in [lo, hi) that begin with the pattern's first token.
  // Cost: O(log((hi - lo) / (kSampleStep * kTopStep))), in the cache. Prefetches the stretch's middle.
  [[nodiscard]] Stretch stretch(const Bracket& bracket, std::uint64_t key) const {
    return stretch(sample_at_or_after(bracket.lo), sample_at_or_after(bracket.hi), key);
  }

  // Whether it is worth while to wait for a cut.
  [[nodiscard]] static bool is_wide(const Stretch& stretch) { return stretch.size() > kNarrow; }

  // Halves a stretch twice. Prefetches what is read next. REQUIRES is_wide(stretch).
  static void cut(Stretch& stretch, std::uint64_t key) {
    halve(stretch, key);
    halve(stretch, key);
    prefetch(stretch);
  }

  // Narrows the bracket of a pattern of `size` tokens to a sample's width, or to those of its key, by a stretch.
  // Cost: O(log(samples of the pattern's key)).
  template <class Token>
  void narrow(Bracket& bracket, Stretch stretch, std::uint64_t key, std::uint64_t size) const {
    const std::uint64_t* const first = keys_.data() + sample_at_or_after(bracket.lo);
    const std::uint64_t* const last = keys_.data() + sample_at_or_after(bracket.hi);
    while (stretch.size() > 0) halve(stretch, key);
    const std::uint64_t* above = stretch.first;
    if (above > first) {
      bracket.lo = rank_of(above - 1) + 1;
      bracket.below = shared<Token>(above[-1], key, size);
    }
    // A longer pattern can stand anywhere among the suffixes that have its key.
    if (size > 1 + Text<Token>::kKeyTokens) above = first_above(above, last, key);
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
    Stretch samples = stretch(sample_at_or_after(range.lo), sample_at_or_after(range.hi), key & mask);
    while (samples.size() > 0) halve(samples, key & mask);
    const std::uint64_t* const begin = samples.first;
    const std::uint64_t n_more = (count - 1 + kSampleStep - 1) / kSampleStep;  // samples after the first
    return n_more < static_cast<std::uint64_t>(last - begin) && ((begin[n_more] ^ key) & mask) == 0;
  }

 private:
  static constexpr auto kStep = static_cast<std::int64_t>(kSampleStep);

  static constexpr std::ptrdiff_t kNarrow = 16;  // two lines of the cache

  [[nodiscard]] Stretch stretch(std::size_t first, std::size_t last, std::uint64_t key) const {
    Stretch result{keys_.data() + first, keys_.data() + last};
    const std::size_t begin = (first + kTopStep - 1) / kTopStep;
    const std::size_t end = std::min((last + kTopStep - 1) / kTopStep, top_.size());
    if (begin < end) {
      Stretch top{top_.data() + begin, top_.data() + end};
      while (top.size() > 0) halve(top, key);
      const auto above = static_cast<std::size_t>(top.first - top_.data());
      if (above > begin) result.first = keys_.data() + (above - 1) * kTopStep + 1;
      if (above < end) result.last = keys_.data() + above * kTopStep;
    }
    prefetch(result);
    return result;
  }

  static void prefetch(const Stretch& stretch) {
    __builtin_prefetch(stretch.middle());
    __builtin_prefetch(stretch.first + stretch.size() / 4);
    __builtin_prefetch(stretch.first + stretch.size() * 3 / 4);
  }

  // Without a branch that depends on the keys. REQUIRES a stretch that is not empty.
  static void halve(Stretch& stretch, std::uint64_t key) {
    const std::uint64_t* const middle = stretch.middle();
    const bool is_below = *middle < key;
    stretch = {is_below ? middle + 1 : stretch.first, is_below ? stretch.last : middle};
  }

  // The first of sorted samples whose key is above this one, by doubling steps.
  static const std::uint64_t* first_above(const std::uint64_t* first, const std::uint64_t* last, std::uint64_t key) {
    std::ptrdiff_t step = 1;
    while (step <= last - first && first[step - 1] <= key) {
      first += step;
      step *= 2;
    }
    return std::upper_bound(first, first + std::min(step, last - first), key);
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

  std::span<const std::uint64_t> top_;
  std::span<const std::uint64_t> keys_;
};

}  // namespace infgram
