// The search under every query: find where a pattern belongs in a suffix array, then the ranges of its prefixes.
//
// Both steps are coroutines (base/interleave.hpp), so that a caller can run many of them on one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/concepts.hpp"
#include "base/interleave.hpp"
#include "index/shard.hpp"
#include "query/pattern.hpp"

namespace infgram {

// Where a pattern belongs: the suffixes below `rank` sort before it. `below` and `above` are the lengths of the
// prefixes that the pattern shares with the suffixes at rank - 1 and at rank; at the ends of the searched range they
// may be smaller, but not below the length that all suffixes of the range share.
struct Insertion {
  Rank rank = 0;
  std::uint64_t below = 0;
  std::uint64_t above = 0;
  // Valid if suffixes begin with the whole pattern: `inside` is the last such rank seen, `outside` the first rank seen
  // after the last such suffix.
  Rank inside = 0;
  Rank outside = 0;
  // The length of the pattern's longest prefix that occurs in the searched range.
  [[nodiscard]] std::uint64_t length() const { return std::max(below, above); }
};

// The search for one pattern in one shard; insert() fills `at`.
template <StoredToken Token>
struct PatternSearch {
  const Shard* shard;
  Pattern<Token> pattern;
  SuffixRange within;   // the suffixes to search; all share the pattern's first `depth` tokens
  std::uint64_t depth;  // > 0
  Insertion at{};

  // Whether `within` is the answer already.
  [[nodiscard]] bool is_trivial() const { return within.empty() || pattern.size <= depth; }
};

inline constexpr unsigned kLevelsAhead = 3;
inline constexpr auto kNear = static_cast<std::int64_t>(kSampleStep);  // ranks this close share a page of the array

// Prefetches the text that the next `n_levels` steps of a bisection of the ranks [lo, hi) may read: 2^n_levels - 1
// cache lines at once, instead of n_levels one after the other. A prefetch never causes a page fault.
template <StoredToken Token>
void look_ahead(const Shard& shard, Text<Token> text, Rank lo, Rank hi, std::uint64_t depth, unsigned n_levels) {
  if (lo >= hi || n_levels == 0) return;
  const Rank middle = lo + (hi - lo) / 2;
  text.prefetch(shard.position(middle, depth));
  look_ahead(shard, text, lo, middle, depth, n_levels - 1);
  look_ahead(shard, text, middle + 1, hi, depth, n_levels - 1);
}

// Finds where `search.pattern` belongs among the suffixes in `search.within`; writes the result to `search.at`.
// REQUIRES !search.is_trivial(). `search` must outlive the coroutine. Throws IndexDamagedError.
// Cost: the directory, then about six reads of the text; for longer patterns log2 of the number of suffixes that share
// a whole key. Tokens known to be shared by both neighbors are not compared again (Manber, Myers, SIAM J. Comput. 22,
// 1993).
template <StoredToken Token>
Strand insert(PatternSearch<Token>& search) {
  const Shard& shard = *search.shard;
  const Pattern<Token> pattern = search.pattern;
  const SuffixRange within = search.within;
  const Text<Token> text = shard.typed_text<Token>();
  Bracket at{within.lo, within.hi, search.depth, search.depth};
  if (within.size() > kSampleStep / 2) {
    const std::uint64_t key = pattern.key();
    auto samples = shard.directory().sample_range(at, key);
    for (; Directory::is_wide(samples); Directory::halve_twice(samples, key)) co_await Fetch{samples.middle()};
    co_await Fetch{samples.middle()};
    shard.directory().narrow<Token>(at, samples, key, pattern.size);
  }
  const bool is_whole = at.above == pattern.size;  // the directory shows that the suffix at at.hi begins with it
  Rank inside = is_whole ? at.hi : 0;
  Rank outside = is_whole ? within.hi : at.hi;
  const bool is_alone = co_await IsAlone{};
  bool is_near = false;  // whether the array's elements are in the cache
  for (unsigned level = 0; at.lo < at.hi;) {
    const Rank middle = at.lo + (at.hi - at.lo) / 2;
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
    const Position position = shard.position(middle, known) - known;
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
  search.at = {at.hi, at.below, at.above, std::max(inside, at.hi), outside};
}

// The search for one end of the range of suffixes that share `length` tokens with a pattern: from a rank inside the
// range by doubling steps, then by bisection. The caller repeats, until is_done():
// wait for array_address() if needs_array(), wait for text_address(), compare().
template <StoredToken Token>
class EdgeSearch {
 public:
  // `range`: the suffixes that share length + 1 tokens, or the insertion point if this is the first length.
  static EdgeSearch downwards(const PatternSearch<Token>& search, std::uint64_t length, SuffixRange range) {
    const Rank inside = std::min(range.lo, search.at.rank - 1);
    return {search, length, {signed_rank(inside), signed_rank(search.within.lo) - 1}, true};
  }
  static EdgeSearch upwards(const PatternSearch<Token>& search, std::uint64_t length, SuffixRange range) {
    const Insertion& at = search.at;
    if (length == search.pattern.size) {
      return {search, length, {signed_rank(at.inside), signed_rank(at.outside)}, at.inside == at.rank};
    }
    const Rank inside = std::max(range.hi, at.rank + 1) - 1;
    return {search, length, {signed_rank(inside), signed_rank(search.within.hi)}, true};
  }

  [[nodiscard]] bool is_done() const { return edge_.gap() <= 1; }
  // The last rank of the range in this direction. REQUIRES is_done().
  [[nodiscard]] Rank last() const { return static_cast<Rank>(edge_.inside); }

  // Prefetches the text that the next steps may read.
  void look_ahead() {
    if (edge_.gap() > kNear || level_++ % kLevelsAhead != 0) return;
    if (!is_doubling_) {
      const auto [first, last] = std::minmax(edge_.inside, edge_.outside);
      infgram::look_ahead(shard_, text_, static_cast<Rank>(first + 1), static_cast<Rank>(last), known_, kLevelsAhead);
      return;
    }
    std::int64_t rank = edge_.inside;
    for (std::int64_t step = 1, n = 0; n < 4 && step < edge_.gap(); step *= 2, ++n) {
      rank += edge_.direction() * step;
      if (std::abs(rank - edge_.inside) >= edge_.gap()) return;
      text_.prefetch(shard_.position(static_cast<Rank>(rank), known_));
    }
  }

  // Whether the array's element is unlikely to be in the cache.
  [[nodiscard]] bool needs_array() const { return edge_.gap() > kNear || (step_ > 1 && is_doubling_); }
  [[nodiscard]] const void* array_address() const { return shard_.address(static_cast<Rank>(middle())); }

  // Reads the position to compare. Throws IndexDamagedError.
  [[nodiscard]] const void* text_address() {
    position_ = shard_.position(static_cast<Rank>(middle()), known_) - known_;
    return text_.data() + position_ + known_;
  }

  void compare() {
    const std::int64_t rank = middle();
    const std::uint64_t shared = pattern_.shared(text_, position_, known_, length_);
    if (shared == length_) {
      edge_.inside = rank;
    } else {
      edge_.outside = rank;
      known_ = std::max(known_, shared);  // all suffixes between here and `inside` share as much
      is_doubling_ = false;
    }
    if (is_doubling_) step_ *= 2;
  }

 private:
  EdgeSearch(const PatternSearch<Token>& search, std::uint64_t length, Edge edge, bool is_doubling)
      : shard_(*search.shard),
        text_(shard_.typed_text<Token>()),
        pattern_(search.pattern),
        length_(length),
        known_(search.depth),
        edge_(edge),
        is_doubling_(is_doubling) {
    if (edge_.gap() > kNear) is_doubling_ = !shard_.directory().narrow<Token>(edge_, pattern_.key(), length_);
  }

  static std::int64_t signed_rank(Rank rank) { return static_cast<std::int64_t>(rank); }

  [[nodiscard]] std::int64_t middle() const {
    return is_doubling_ ? edge_.inside + edge_.direction() * std::min(step_, edge_.gap() - 1) : edge_.middle();
  }

  const Shard& shard_;
  Text<Token> text_;
  Pattern<Token> pattern_;
  std::uint64_t length_;
  std::uint64_t known_;  // tokens that every suffix between `inside` and `outside` shares with the pattern
  Edge edge_;
  bool is_doubling_;
  std::int64_t step_ = 1;
  unsigned level_ = 0;
  Position position_ = 0;
};

// Finds the ranges of the suffixes that share the first `shortest`, …, `longest` tokens of the pattern, into ranges[0],
// …, ranges[longest - shortest].
// REQUIRES that insert() filled search.at; search.depth < shortest <= longest <= search.at.length(). `search` and
// `ranges` must outlive the coroutine. Throws IndexDamagedError.
// Cost: O(log count) reads per length, in the directory where it is dense enough; few for rare patterns.
template <StoredToken Token>
Strand extend(const PatternSearch<Token>& search, std::uint64_t longest, std::uint64_t shortest, SuffixRange* ranges) {
  const bool is_alone = co_await IsAlone{};
  SuffixRange range{search.at.rank, search.at.rank};
  for (std::uint64_t length = longest; length >= shortest; --length) {
    for (const bool is_up : {false, true}) {
      if ((is_up ? search.at.above : search.at.below) < length) continue;
      EdgeSearch<Token> edge = is_up ? EdgeSearch<Token>::upwards(search, length, range)
                                     : EdgeSearch<Token>::downwards(search, length, range);
      while (!edge.is_done()) {
        if (is_alone) edge.look_ahead();
        if (edge.needs_array()) co_await Fetch{edge.array_address()};
        co_await Fetch{edge.text_address()};
        edge.compare();
      }
      if (is_up) {
        range.hi = edge.last() + 1;
      } else {
        range.lo = edge.last();
      }
    }
    ranges[length - shortest] = range;
  }
}

}  // namespace infgram
