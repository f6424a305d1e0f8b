// Matches that are longer than what searches compare token by token, without comparing a token of the text twice.
//
// A search of descent.hpp compares the first tokens of its pattern only (MatchBounds). Where those occur, the rest is
// decided here, by two facts about the sequence that is looked for.
//
// 1. A piece of the text that was found to equal a piece of the sequence need not be read again: how far it agrees with
//    *another* place of the sequence is how far the two places of the sequence agree (repeats.hpp). So a comparison
//    reads only text that was not read before, and each of its other steps joins two such pieces, of which there are no
//    more than comparisons.
// 2. Taken in sorted order, the suffixes of the sequence have ascending ranks. What the last one shares with its
//    neighbours in the index, and with the next one, often gives the rank of the next; otherwise the search goes on
//    from there by doubling steps. The ranges of prefixes of one another are nested; each is widened from the one
//    inside it.
//
// Cost of the long matches of m positions: O(m log n) comparisons in each shard, and each token of the shard's text is
// read at most once in all of them. Without either fact, a copied passage of L tokens costs L^2.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "index/shard.hpp"
#include "query/pattern.hpp"
#include "query/repeats.hpp"

namespace infgram {

// The place of the sequence from `begin` on among the suffixes in `within`, which are those that share its first
// `depth` tokens: those before `rank` sort before it. `below` and `above` are how many tokens the suffixes at rank - 1
// and at rank share with it; 0 where that one is not in `within`.
struct LongMatch {
  std::uint64_t begin = 0;
  std::uint64_t depth = 0;
  SuffixRange within{};
  std::uint64_t rank = 0;
  std::uint64_t below = 0;
  std::uint64_t above = 0;
  // The longest prefix that occurs.
  [[nodiscard]] std::uint64_t length() const { return std::max(below, above); }
};

// Comparisons of one sequence with the text of one shard, and what they have found out about it.
template <class Token>
class Comparisons {
 public:
  // All of these must outlive it.
  Comparisons(const Shard& shard, const Sequence<Token>& sequence, const Repeats<Token>& repeats)
      : shard_(shard), text_(shard.typed_text<Token>()), sequence_(sequence), repeats_(repeats) {}

  // How many tokens the suffix of this rank shares with the sequence from `begin` on, at most `most`.
  // REQUIRES that it shares the first `known`. Throws IndexDamagedError.
  [[nodiscard]] std::uint64_t shared(std::uint64_t begin, std::uint64_t rank, std::uint64_t known, std::uint64_t most) {
    const Pattern<Token> pattern = sequence_.pattern(begin, sequence_.size() - begin);
    const std::uint64_t position = shard_.position(rank, known) - known;
    std::uint64_t n_shared = known;
    bool is_new = false;    // more than one piece tells
    bool is_inner = false;  // a piece was left behind
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

  // Whether the suffix of this rank sorts before the sequence from `begin` on, with which it shares `n_shared` tokens
  // and no more.
  [[nodiscard]] bool is_before(std::uint64_t begin, std::uint64_t rank, std::uint64_t n_shared) const {
    const Pattern<Token> pattern = sequence_.pattern(begin, sequence_.size() - begin);
    return n_shared < pattern.size && pattern.sorts_after(text_[shard_.position(rank, n_shared)], n_shared);
  }

  // Tokens of the text that were read and were equal, beyond what their searches compared.
  [[nodiscard]] std::uint64_t n_read() const { return n_read_; }

 private:
  // The text from the key to `end` equals the sequence from `at` on.
  struct Piece {
    std::uint64_t end;
    std::uint64_t at;
  };

  // Adds a piece; of those that it overlaps, what lies outside it is kept.
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

// Fills `rank`, `below` and `above` of matches in one shard, which come in the order of the sequence's suffixes.
template <class Token>
void place(std::span<LongMatch* const> matches, Comparisons<Token>& comparisons, const Repeats<Token>& repeats,
           std::uint64_t n_tokens) {
  const LongMatch* last = nullptr;
  for (LongMatch* const match : matches) {
    const std::uint64_t begin = match->begin;
    const std::uint64_t size = n_tokens - begin;
    std::uint64_t lo = match->within.lo;
    std::uint64_t hi = match->within.hi;
    std::uint64_t below = 0;
    std::uint64_t above = 0;
    std::uint64_t known = match->depth;
    if (last != nullptr && last->within == match->within) {
      // Of three in order, the outer two share as much as the two pairs of neighbours do at least.
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

// The ranges of ever shorter prefixes of a match, each widened from the one before.
template <class Token>
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

  // The sequence from here on instead, which shares with the one before all that is asked of it.
  void go_on_from(std::uint64_t begin) { begin_ = begin; }

  // The range of the first `length` tokens.
  // REQUIRES match.depth < length <= match.length(); not more than in the call before.
  // Cost: O(log count) comparisons where it is not the range before, else O(1).
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
  // Moves `inside` to the last rank, towards `outside`, that shares `length` tokens. Returns how many the next one
  // does.
  std::uint64_t move(std::int64_t& inside, std::int64_t outside, std::uint64_t length) {
    const std::int64_t direction = outside > inside ? 1 : -1;
    std::uint64_t n_outside = 0;
    bool is_doubling = true;
    for (std::int64_t step = 1; inside + direction != outside; step *= 2) {
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
