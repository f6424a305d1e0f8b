// The first tokens of every 64th suffix (more rarely in some indexes). The directory stays in memory, and most of a
// search takes place in it, before the suffix array is read.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/concepts.hpp"
#include "base/types.hpp"
#include "storage/format.hpp"
#include "suffix/text.hpp"

namespace infgram {

// The bounds of a pattern's insertion point: suffixes below rank `lo` sort before the pattern, those from `hi` on at or
// after it. `below` and `above` are the numbers of tokens that the suffixes at lo - 1 and at hi share with it.
struct Bracket {
  Rank lo;
  Rank hi;
  std::uint64_t below;
  std::uint64_t above;
};

// One end of a run of suffixes that share a prefix: `inside` is the last rank known to belong to the run, `outside` the
// nearest known not to (-1 or n_tokens at the ends of the array). The run may extend in either direction.
struct Edge {
  std::int64_t inside;
  std::int64_t outside;
  [[nodiscard]] std::int64_t direction() const { return outside > inside ? 1 : -1; }
  // The rank half-way between. REQUIRES gap() > 1.
  [[nodiscard]] std::int64_t middle() const { return std::min(inside, outside) + 1 + (gap() - 1) / 2; }
  [[nodiscard]] std::int64_t gap() const { return outside > inside ? outside - inside : inside - outside; }
};

// A view of the sampled keys: key s is the key (Text::key) of the suffix at rank s * step, from its second token
// on. The first token follows from first_token_starts. The top level, every kTopStep-th key, stays in the processor's
// cache. In an index of version 1 the directory is empty, and no function narrows anything.
class Directory {
 public:
  // Consecutive samples that contain the first one whose key is not below a given key, or precede it directly.
  struct SampleRange {
    const std::uint64_t* first;
    const std::uint64_t* last;
    [[nodiscard]] std::ptrdiff_t size() const { return last - first; }
    [[nodiscard]] const std::uint64_t* middle() const { return first + size() / 2; }
  };

  Directory() = default;
  // `payload`: the top level, then all keys. `step`: a power of two; from one sampled rank to the next.
  Directory(std::span<const std::uint64_t> payload, std::uint64_t n_top_keys, std::uint64_t step = kSampleStep)
      : top_(payload.first(static_cast<std::size_t>(n_top_keys))),
        keys_(payload.subspan(static_cast<std::size_t>(n_top_keys))),
        step_(step),
        step_bits_(static_cast<unsigned>(std::countr_zero(step))) {}
  // A directory without a top level, while it is being built.
  explicit Directory(std::span<const std::uint64_t> keys) : keys_(keys) {}

  [[nodiscard]] std::uint64_t step() const { return step_; }
  [[nodiscard]] bool holds(Rank rank) const { return (rank & (step() - 1)) == 0 && rank >> step_bits_ < keys_.size(); }
  // REQUIRES holds(rank).
  [[nodiscard]] std::uint64_t key(Rank rank) const { return keys_[rank >> step_bits_]; }

  // The bracket of a pattern is narrowed in steps, so that the caller can wait for prefetches in between:
  //
  //     SampleRange samples = directory.sample_range(bracket, key);
  //     while (directory.is_wide(samples)) directory.halve_twice(samples, key);
  //     directory.narrow<Token>(bracket, samples, key, size);

  // Returns the samples that bound the upper end of `bracket`, found in the top level. `key` is the key of the pattern
  // from its second token on. REQUIRES that all suffixes in [lo, hi) begin with the pattern's first token.
  // Cost: O(log((hi - lo) / (step * kTopStep))), in the cache. Prefetches the middle of the result.
  [[nodiscard]] SampleRange sample_range(const Bracket& bracket, std::uint64_t key) const {
    return sample_range(sample_at_or_after(bracket.lo), sample_at_or_after(bracket.hi), key);
  }

  // Whether the range spans several cache lines.
  [[nodiscard]] static bool is_wide(const SampleRange& samples) { return samples.size() > kNarrow; }

  // Halves a range twice, and prefetches what the next call reads. REQUIRES is_wide(samples).
  static void halve_twice(SampleRange& samples, std::uint64_t key) {
    halve(samples, key);
    halve(samples, key);
    prefetch(samples);
  }

  // Narrows the bracket of a pattern of `size` tokens, to the distance of two samples or to the samples with its key.
  // `samples` is the result of the steps above. Cost: O(log(samples with the pattern's key)).
  template <StoredToken Token>
  void narrow(Bracket& bracket, SampleRange samples, std::uint64_t key, std::uint64_t size) const {
    const std::uint64_t* const first = keys_.data() + sample_at_or_after(bracket.lo);
    const std::uint64_t* const last = keys_.data() + sample_at_or_after(bracket.hi);
    while (samples.size() > 0) halve(samples, key);
    const std::uint64_t* above = samples.first;
    if (above > first) {
      bracket.lo = rank_of(above - 1) + 1;
      bracket.below = shared<Token>(above[-1], key, size);
    }
    // A longer pattern can be anywhere among the suffixes with its key.
    if (size > 1 + Text<Token>::kKeyTokens) above = first_above(above, last, key);
    if (above < last) {
      bracket.hi = rank_of(above);
      bracket.above = shared<Token>(*above, key, size);
    }
  }

  // Narrows an edge of the run that shares `length` tokens with a pattern. Returns whether `inside` moved.
  // REQUIRES that all suffixes between inside and outside begin with the pattern's first token; length > 0.
  // Cost: O(log(samples passed)), in memory.
  template <StoredToken Token>
  bool narrow(Edge& edge, std::uint64_t key, std::uint64_t length) const {
    const std::int64_t direction = edge.direction();
    const auto size = static_cast<std::int64_t>(keys_.size());
    const auto after = [&](std::int64_t rank) { return (rank + static_cast<std::int64_t>(step_) - 1) >> step_bits_; };
    // The samples strictly between the two, from inside to outside.
    const std::int64_t inner = direction > 0 ? (edge.inside >> step_bits_) + 1 : std::min(after(edge.inside), size) - 1;
    const std::int64_t outer = direction > 0 ? std::min(after(edge.outside), size) : edge.outside >> step_bits_;
    const std::int64_t n = (outer - inner) * direction;
    const std::uint64_t mask = prefix_mask<Token>(length);
    const auto shares = [&](std::int64_t i) {
      return ((keys_[static_cast<std::size_t>(inner + i * direction)] ^ key) & mask) == 0;
    };
    std::int64_t n_sharing = 0;  // by doubling steps, then by bisection
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
    if (n_sharing < n) edge.outside = (inner + n_sharing * direction) << step_bits_;
    if (n <= 0 || n_sharing == 0 || length > 1 + Text<Token>::kKeyTokens) return false;
    edge.inside = (inner + (n_sharing - 1) * direction) << step_bits_;
    return true;
  }

  // Whether the samples prove that the first `length` tokens of a pattern occur at least `count` times in `range`.
  // REQUIRES that all suffixes in `range` begin with its first token; 0 < length <= 1 + kKeyTokens, count > 0.
  template <StoredToken Token>
  [[nodiscard]] bool shows(SuffixRange range, std::uint64_t key, std::uint64_t length, std::uint64_t count) const {
    const std::uint64_t mask = prefix_mask<Token>(length);
    const std::uint64_t* const last = keys_.data() + sample_at_or_after(range.hi);
    SampleRange samples = sample_range(sample_at_or_after(range.lo), sample_at_or_after(range.hi), key & mask);
    while (samples.size() > 0) halve(samples, key & mask);
    const std::uint64_t* const begin = samples.first;
    const std::uint64_t n_more = (count - 1 + step() - 1) >> step_bits_;  // samples after the first
    return n_more < static_cast<std::uint64_t>(last - begin) && ((begin[n_more] ^ key) & mask) == 0;
  }

 private:
  static constexpr std::ptrdiff_t kNarrow = 16;  // two cache lines

  [[nodiscard]] SampleRange sample_range(std::size_t first, std::size_t last, std::uint64_t key) const {
    SampleRange result{keys_.data() + first, keys_.data() + last};
    const std::size_t begin = (first + kTopStep - 1) / kTopStep;
    const std::size_t end = std::min((last + kTopStep - 1) / kTopStep, top_.size());
    if (begin < end) {
      SampleRange top{top_.data() + begin, top_.data() + end};
      while (top.size() > 0) halve(top, key);
      const auto above = static_cast<std::size_t>(top.first - top_.data());
      if (above > begin) result.first = keys_.data() + (above - 1) * kTopStep + 1;
      if (above < end) result.last = keys_.data() + above * kTopStep;
    }
    prefetch(result);
    return result;
  }

  static void prefetch(const SampleRange& samples) {
    __builtin_prefetch(samples.middle());
    __builtin_prefetch(samples.first + samples.size() / 4);
    __builtin_prefetch(samples.first + samples.size() * 3 / 4);
  }

  // Has no branch that depends on the keys. REQUIRES a range that is not empty.
  static void halve(SampleRange& samples, std::uint64_t key) {
    const std::uint64_t* const middle = samples.middle();
    const bool is_below = *middle < key;
    samples = {is_below ? middle + 1 : samples.first, is_below ? samples.last : middle};
  }

  // Returns the first of the sorted samples whose key is above `key`, by doubling steps.
  static const std::uint64_t* first_above(const std::uint64_t* first, const std::uint64_t* last, std::uint64_t key) {
    std::ptrdiff_t step = 1;
    while (step <= last - first && first[step - 1] <= key) {
      first += step;
      step *= 2;
    }
    return std::upper_bound(first, first + std::min(step, last - first), key);
  }

  [[nodiscard]] std::size_t sample_at_or_after(Rank rank) const {
    return static_cast<std::size_t>(std::min<std::uint64_t>((rank + step() - 1) >> step_bits_, keys_.size()));
  }
  [[nodiscard]] std::uint64_t rank_of(const std::uint64_t* sample) const {
    return static_cast<std::uint64_t>(sample - keys_.data()) << step_bits_;
  }

  template <StoredToken Token>
  static std::uint64_t shared(std::uint64_t a, std::uint64_t b, std::uint64_t size) {
    const unsigned n_lanes = static_cast<unsigned>(std::countl_zero(a ^ b)) / Text<Token>::kTokenBits;
    return std::min<std::uint64_t>(size, 1 + n_lanes);
  }

  // The lanes of tokens 2 to `length`.
  template <StoredToken Token>
  static std::uint64_t prefix_mask(std::uint64_t length) {
    if (length > Text<Token>::kKeyTokens) return ~std::uint64_t{0};
    // NOLINTNEXTLINE(clang-analyzer-core.BitwiseShift): the length is at least 1
    return ~(~std::uint64_t{0} >> ((length - 1) * Text<Token>::kTokenBits));
  }

  std::span<const std::uint64_t> top_;
  std::span<const std::uint64_t> keys_;
  std::uint64_t step_ = kSampleStep;
  unsigned step_bits_ = static_cast<unsigned>(std::countr_zero(kSampleStep));  // its logarithm
};

}  // namespace infgram
