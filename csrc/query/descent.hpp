// The one search that every question is made of, as strands that a caller interleaves: where a pattern would stand
// among the suffixes of a shard, and from there the ranges of its prefixes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/interleave.hpp"
#include "index/shard.hpp"
#include "query/pattern.hpp"

namespace infgram {

// Where a pattern stands: the suffixes before `rank` sort before it. `below` and `above` are how many tokens the
// suffixes at rank - 1 and at rank share with it; at the ends of the range that was searched, no more than all in it
// do.
struct Insertion {
  std::uint64_t rank = 0;
  std::uint64_t below = 0;
  std::uint64_t above = 0;
  // When suffixes begin with the whole pattern: `inside` is the last of them that was seen, `outside` the first rank
  // that was seen not to belong to them.
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  // The longest prefix of the pattern that occurs there.
  [[nodiscard]] std::uint64_t length() const { return std::max(below, above); }
};

// Prefetches the text that the next `n_levels` steps of a bisection of the ranks [lo, hi) may read: 2^n_levels - 1
// lines at once, instead of n_levels one after the other. A prefetch reads no page that is not in memory.
template <class Token>
void look_ahead(const Shard& shard, Text<Token> text, std::uint64_t lo, std::uint64_t hi, std::uint64_t depth,
                unsigned n_levels) {
  if (lo >= hi || n_levels == 0) return;
  const std::uint64_t middle = lo + (hi - lo) / 2;
  text.prefetch(shard.position(middle, depth));
  look_ahead(shard, text, lo, middle, depth, n_levels - 1);
  look_ahead(shard, text, middle + 1, hi, depth, n_levels - 1);
}
inline constexpr unsigned kLevelsAhead = 3;
inline constexpr auto kNear = static_cast<std::int64_t>(kSampleStep);  // ranks so close share a page of the array

// The same for the steps towards an edge: by halves, or doubling from the inside.
template <class Token>
void look_ahead(const Shard& shard, Text<Token> text, const Edge& edge, std::uint64_t depth, bool is_doubling) {
  if (!is_doubling) {
    const auto [first, last] = std::minmax(edge.inside, edge.outside);
    return look_ahead(shard, text, static_cast<std::uint64_t>(first + 1), static_cast<std::uint64_t>(last), depth,
                      kLevelsAhead);
  }
  std::int64_t rank = edge.inside;
  for (std::int64_t step = 1, n = 0; n < 4 && step < edge.gap(); step *= 2, ++n) {
    rank += edge.direction() * step;
    if (std::abs(rank - edge.inside) >= edge.gap()) return;
    text.prefetch(shard.position(static_cast<std::uint64_t>(rank), depth));
  }
}

// Finds the place of `pattern` among the suffixes in `within`, all of which share its first `depth` > 0 tokens.
// Cost: the directory, then about six reads of the text; log2 of what shares a whole key for longer patterns. Tokens
// that both neighbours are known to share are not compared again (Manber, Myers, SIAM J. Comput. 22, 1993).
// REQUIRES pattern.size > depth. The references must outlive the strand. Throws IndexDamagedError.
template <class Token>
Strand insert(const Shard& shard, Pattern<Token> pattern, SuffixRange within, std::uint64_t depth, Insertion& result) {
  const Text<Token> text = shard.typed_text<Token>();
  Bracket at{within.lo, within.hi, depth, depth};
  if (within.count() > kSampleStep / 2) {
    const std::uint64_t key = pattern.key();
    auto samples = shard.directory().stretch(at, key);
    for (; Directory::is_wide(samples); Directory::cut(samples, key)) co_await Fetch{samples.middle()};
    co_await Fetch{samples.middle()};
    shard.directory().narrow<Token>(at, samples, key, pattern.size);
  }
  const bool is_whole = at.above == pattern.size;  // at the bracket's end, which the directory knows
  std::uint64_t inside = is_whole ? at.hi : 0;
  std::uint64_t outside = is_whole ? within.hi : at.hi;
  const bool is_alone = co_await IsAlone{};
  bool is_near = false;  // the array's entries are in the cache
  for (unsigned level = 0; at.lo < at.hi;) {
    const std::uint64_t middle = at.lo + (at.hi - at.lo) / 2;
    if (!is_near) {
      is_near = at.hi - at.lo <= kSampleStep;
      if (is_near) {
        __builtin_prefetch(shard.address(at.lo));
        __builtin_prefetch(shard.address(at.hi - 1));
      }
      co_await Fetch{shard.address(middle)};
    }
    const std::uint64_t known = std::min(at.below, at.above);
    if (is_alone && is_near && level++ % kLevelsAhead == 0) {
      look_ahead(shard, text, at.lo, at.hi, known, kLevelsAhead);
    }
    const std::uint64_t position = shard.position(middle, known) - known;
    co_await Fetch{text.data() + position + known};
    const std::uint64_t shared = pattern.shared(text, position, known, pattern.size);
    if (shared < pattern.size && pattern.sorts_after(text[position + shared], shared)) {
      at.lo = middle + 1;
      at.below = shared;
    } else {
      at.hi = middle;
      at.above = shared;
      if (shared < pattern.size) {
        outside = middle;
      } else if (inside == 0) {
        inside = middle;
      }
    }
  }
  result = {at.hi, at.below, at.above, std::max(inside, at.hi), outside};
}

// Finds the ranges of the suffixes that share with `pattern` its first `shortest`, …, `longest` tokens, into
// ranges[0], …, ranges[longest - shortest]. `at` and `within` are those of insert().
// REQUIRES depth < shortest <= longest <= at.length().
// Cost: an end is found by doubling steps, in the directory where it reaches: O(log count) reads, few for rare
// patterns.
template <class Token>
Strand extend(const Shard& shard, Pattern<Token> pattern, SuffixRange within, std::uint64_t depth, Insertion at,
              std::uint64_t longest, std::uint64_t shortest, SuffixRange* ranges) {
  const Text<Token> text = shard.typed_text<Token>();
  const std::uint64_t key = pattern.key();
  const bool is_alone = co_await IsAlone{};
  SuffixRange range{at.rank, at.rank};
  for (std::uint64_t length = longest; length >= shortest; --length) {
    for (const bool is_up : {false, true}) {
      if ((is_up ? at.above : at.below) < length) continue;
      Edge edge = is_up ? Edge{static_cast<std::int64_t>(std::max(range.hi, at.rank + 1)) - 1,
                               static_cast<std::int64_t>(within.hi)}
                        : Edge{static_cast<std::int64_t>(std::min(range.lo, at.rank - 1)),
                               static_cast<std::int64_t>(within.lo) - 1};
      bool is_doubling = true;
      if (is_up && length == pattern.size) {
        edge = {static_cast<std::int64_t>(at.inside), static_cast<std::int64_t>(at.outside)};
        is_doubling = at.inside == at.rank;
      }
      const std::int64_t direction = edge.direction();
      if (edge.gap() > kNear) is_doubling = !shard.directory().narrow<Token>(edge, key, length);
      std::uint64_t known = depth;
      unsigned level = 0;
      for (std::int64_t step = 1; edge.gap() > 1; step *= 2) {
        if (is_alone && edge.gap() <= kNear && level++ % kLevelsAhead == 0) {
          look_ahead(shard, text, edge, known, is_doubling);
        }
        const std::int64_t middle =
            is_doubling ? edge.inside + direction * std::min(step, edge.gap() - 1) : edge.middle();
        const auto rank = static_cast<std::uint64_t>(middle);
        if (edge.gap() > kNear || (step > 1 && is_doubling)) co_await Fetch{shard.address(rank)};
        const std::uint64_t position = shard.position(rank, known) - known;
        co_await Fetch{text.data() + position + known};
        const std::uint64_t shared = pattern.shared(text, position, known, length);
        if (shared == length) {
          edge.inside = middle;
        } else {
          edge.outside = middle;
          known = std::max(known, shared);  // all up to here share as much
          is_doubling = false;
        }
      }
      if (is_up) {
        range.hi = static_cast<std::uint64_t>(edge.inside) + 1;
      } else {
        range.lo = static_cast<std::uint64_t>(edge.inside);
      }
    }
    ranges[length - shortest] = range;
  }
}

}  // namespace infgram
