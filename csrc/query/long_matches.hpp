// Matches that are longer than what a search compares, found without comparing a token of the text twice.
//
// A search (descent.hpp) compares only the first tokens of its pattern (MatchBounds). If these occur, the rest is
// decided here, by two facts about the sequence:
//
// 1. A piece of the text that is known to equal a piece of the sequence need not be read again: how far it agrees with
//    *another* position of the sequence is how far the two positions of the sequence agree (repeats.hpp). So a
//    comparison reads only new text; each of its other steps joins two known pieces, of which there are no more than
//    comparisons.
// 2. In sorted order, the suffixes of the sequence have ascending ranks. What a suffix shares with its neighbors in
//    the index, and with the next suffix of the sequence, often gives the rank of the next; otherwise the search
//    continues from there by doubling steps. The ranges of prefixes of one another are nested; each is widened from the
//    one inside it.
//
// Cost of the long matches of m positions: O(m log n) comparisons per shard; each token of the shard's text is read at
// most once in all of them. Without either fact, a copied passage of L tokens would cost O(L^2).
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/concepts.hpp"
#include "index/shard.hpp"
#include "query/pattern.hpp"
#include "query/repeats.hpp"

namespace infgram {

// The insertion point of the sequence from `begin` on among the suffixes in `within`, which are those that share its
// first `depth` tokens: suffixes below `rank` sort before it. `below` and `above` are the numbers of tokens that the
// suffixes at rank - 1 and at rank share with it, 0 if that rank is not in `within`.
struct LongMatch {
  std::uint64_t begin = 0;
  std::uint64_t depth = 0;
  SuffixRange within{};
  Rank rank = 0;
  std::uint64_t below = 0;
  std::uint64_t above = 0;
  // The length of the longest prefix that occurs.
  [[nodiscard]] std::uint64_t length() const { return std::max(below, above); }
};

// Compares one sequence with the text of one shard, and remembers what is known about the text.
template <StoredToken Token>
class Comparisons {
 public:
  // The arguments must outlive the object.
  Comparisons(const Shard& shard, const Sequence<Token>& sequence, const Repeats<Token>& repeats)
      : shard_(shard), text_(shard.typed_text<Token>()), sequence_(sequence), repeats_(repeats) {}

  // Returns how many tokens the suffix at this rank shares with the sequence from `begin` on, at most `most`. REQUIRES
  // that it shares the first `known`. Throws IndexDamagedError.
  [[nodiscard]] std::uint64_t shared(std::uint64_t begin, Rank rank, std::uint64_t known, std::uint64_t most) {
    const Pattern<Token> pattern = sequence_.pattern(begin, sequence_.size() - begin);
    const Position position = shard_.position(rank, known) - known;
    std::uint64_t n_shared = known;
    bool is_new = false;    // the result is longer than every known piece
    bool is_inner = false;  // the previous step ended at the end of a known piece
    for (auto next = pieces_.upper_bound(position + known); n_shared < most;) {
      const std::uint64_t at = position + n_shared;
      while (next != pieces_.end() && next->first <= at) ++next;
      const auto piece = next == pieces_.begin() ? pieces_.end() : std::prev(next);
      if (piece != pieces_.end() && at < piece->second.end) {
        const std::uint64_t n_known = piece->second.end - at;
        const std::uint64_t n_agreeing = repeats_.shared(begin + n_shared, piece->second.at + (at - piece->first));
        n_shared += std::min(n_known, n_agreeing);
        is_new = is_new || is_inner;
        is_inner = true;
        if (n_agreeing < n_known) break;
        continue;
      }
      const std::uint64_t limit = next == pieces_.end() ? most : std::min(most, next->first - position);
      const std::uint64_t reached = pattern.shared(text_, position, n_shared, limit);
      n_read_ += reached - n_shared;
      is_new = is_new || reached > n_shared;
      n_shared = reached;
      if (reached < limit) break;
    }
    n_shared = std::min(n_shared, most);
    if (is_new) add(position + known, position + n_shared, begin + known);
    return n_shared;
  }

  // Whether the suffix at this rank sorts before the sequence from `begin` on. REQUIRES that they share exactly
  // `n_shared` tokens.
  [[nodiscard]] bool is_before(std::uint64_t begin, Rank rank, std::uint64_t n_shared) const {
    const Pattern<Token> pattern = sequence_.pattern(begin, sequence_.size() - begin);
    return n_shared < pattern.size && pattern.sorts_after(text_[shard_.position(rank, n_shared)], n_shared);
  }

  // The number of equal tokens of the text that were read here.
  [[nodiscard]] std::uint64_t n_read() const { return n_read_; }

 private:
  // The text from the map's key to `end` equals the sequence from `at` on.
  struct Piece {
    std::uint64_t end;
    std::uint64_t at;
  };

  // Adds a piece. It replaces the overlapping parts of known pieces.
  void add(std::uint64_t first, std::uint64_t end, std::uint64_t at) {
    auto piece = pieces_.lower_bound(first);
    if (piece != pieces_.begin()) {
      Piece& before = std::prev(piece)->second;
      before.end = std::min(before.end, first);
    }
    while (piece != pieces_.end() && piece->first < end) {
      const auto [begin, known] = *piece;
      piece = pieces_.erase(piece);
      if (known.end > end) piece = pieces_.emplace_hint(piece, end, Piece{known.end, known.at + (end - begin)});
    }
    pieces_.emplace_hint(piece, first, Piece{end, at});
  }

  const Shard& shard_;
  Text<Token> text_;
  const Sequence<Token>& sequence_;
  const Repeats<Token>& repeats_;
  std::map<std::uint64_t, Piece> pieces_;  // disjoint
  std::uint64_t n_read_ = 0;
};

// Fills `rank`, `below` and `above` of the matches in one shard. REQUIRES matches in the order of the sequence's
// suffixes.
template <StoredToken Token>
void place(std::span<LongMatch* const> matches, Comparisons<Token>& comparisons, const Repeats<Token>& repeats,
           std::uint64_t n_tokens) {
  const LongMatch* last = nullptr;
  for (LongMatch* const match : matches) {
    const std::uint64_t begin = match->begin;
    const std::uint64_t size = n_tokens - begin;
    Rank lo = match->within.lo;
    Rank hi = match->within.hi;
    std::uint64_t below = 0;
    std::uint64_t above = 0;
    std::uint64_t known = match->depth;
    if (last != nullptr && last->within == match->within) {
      // Of three sorted strings, the outer two share at least the minimum of what the adjacent pairs share.
      const std::uint64_t n_shared = repeats.shared(last->begin, begin);
      lo = last->rank;
      below = std::min(last->below, n_shared);
      if (last->above > n_shared) {
        ++lo;
        below = n_shared;
      } else if (last->above == n_shared) {
        known = n_shared;
      } else {
        hi = lo;
        above = last->above;
      }
    }
    bool is_doubling = true;
    for (std::uint64_t step = 1; lo < hi; step *= 2) {
      const std::uint64_t middle = is_doubling ? std::min(lo + step, hi) - 1 : lo + (hi - lo) / 2;
      if (step > 1 || !is_doubling) known = std::max(match->depth, std::min(below, above));
      const std::uint64_t n_shared = comparisons.shared(begin, middle, known, size);
      if (comparisons.is_before(begin, middle, n_shared)) {
        lo = middle + 1;
        below = n_shared;
      } else {
        hi = middle;
        above = n_shared;
        is_doubling = false;
      }
    }
    match->rank = lo;
    match->below = below;
    match->above = above;
    last = match;
  }
}

// Computes the ranges of ever shorter prefixes of a match, each from the previous one.
template <StoredToken Token>
class Widening {
 public:
  Widening(const LongMatch& match, Comparisons<Token>& comparisons)
      : comparisons_(&comparisons),
        begin_(match.begin),
        depth_(match.depth),
        within_(match.within),
        range_{match.rank, match.rank},
        below_(match.below),
        above_(match.above) {}

  // Continues with the sequence from `begin` on. REQUIRES that it shares all further requested lengths with the
  // previous one.
  void continue_from(std::uint64_t begin) { begin_ = begin; }

  // Returns the range of the first `length` tokens. REQUIRES match.depth < length <= match.length(); not longer than in
  // the previous call. Cost: O(log count) comparisons if the range grows, otherwise O(1).
  SuffixRange to(std::uint64_t length) {
    if (below_ >= length) {
      auto inside = static_cast<std::int64_t>(range_.lo) - 1;
      below_ = move(inside, static_cast<std::int64_t>(within_.lo) - 1, length);
      range_.lo = static_cast<std::uint64_t>(inside);
    }
    if (above_ >= length) {
      auto inside = static_cast<std::int64_t>(range_.hi);
      above_ = move(inside, static_cast<std::int64_t>(within_.hi), length);
      range_.hi = static_cast<std::uint64_t>(inside) + 1;
    }
    return range_;
  }

 private:
  // Moves `inside` towards `outside`, to the last rank that shares `length` tokens. Returns how many tokens the next
  // rank shares.
  std::uint64_t move(std::int64_t& inside, std::int64_t outside, std::uint64_t length) {
    const std::int64_t direction = outside > inside ? 1 : -1;
    std::uint64_t n_outside = 0;
    bool is_doubling = true;
    for (std::int64_t step = 1; inside + direction != outside; step += is_doubling ? step : 0) {
      const std::int64_t gap = (outside - inside) * direction;
      const std::int64_t middle = inside + direction * (is_doubling ? std::min(step, gap - 1) : gap / 2);
      const std::uint64_t n_shared =
          comparisons_->shared(begin_, static_cast<std::uint64_t>(middle), std::max(depth_, n_outside), length);
      if (n_shared == length) {
        inside = middle;
      } else {
        outside = middle;
        n_outside = n_shared;
        is_doubling = false;
      }
    }
    return n_outside;
  }

  Comparisons<Token>* comparisons_;
  std::uint64_t begin_;
  std::uint64_t depth_;
  SuffixRange within_;
  SuffixRange range_;
  std::uint64_t below_;
  std::uint64_t above_;
};

}  // namespace infgram
