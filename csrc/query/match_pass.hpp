// Finds the longest matches of the positions of a sequence, in every shard, for longest_matches() and score().
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "base/concepts.hpp"
#include "query/long_matches.hpp"
#include "query/search.hpp"
#include "query/search_batch.hpp"

namespace infgram {

// Bounds on the work of the first searches. Tests use other values.
struct MatchBounds {
  std::uint64_t n_short = 256;   // sequences of up to this many tokens are searched at every position, in full
  std::uint64_t compared = 192;  // the most tokens that a search compares; at least 2
  std::uint64_t stride = 64;     // between the positions searched first
};

// A match *reaches* the position at which it ends. The match that begins one position later reaches at least as far. So
// if two positions reach the same position, all between them do. In a long sequence every 64th position is searched
// first, and those in between only if the next of these reaches farther: a passage of L tokens copied from the index
// takes L / 64 searches. A search compares a bounded number of tokens; longer matches are completed by
// long_matches.hpp.
//
// For min_count > 1 the same holds for the tokens that occur min_count times; their number is found by bisection. So it
// is for any min_count in an index with removed documents, since searches find their suffixes, too.
//
// Cost: one search of at most `compared` tokens per searched position; once there are long matches, one per distinct
// piece of that size. For long matches also long_matches.hpp, and one sort of the sequence. Memory: the state of each
// search, some 20 bytes per token.
template <StoredToken Token>
class MatchPass {
 public:
  // Searches all positions. The index must outlive the pass. REQUIRES min_count > 0.
  MatchPass(const Index& index, std::span<const TokenId> tokens, std::uint64_t min_count, MatchBounds bounds = {})
      : MatchPass(min_count, index, tokens, bounds) {
    const std::uint64_t n = tokens.size();
    if (is_short()) {
      search(0, n, 1);
      return;
    }
    search(0, n - 1, bounds.stride);
    search({n - 1});
    std::vector<std::uint64_t> others;
    for_each_gap([&](std::uint64_t begin, std::uint64_t end) {
      for (std::uint64_t i = begin + 1; i < end; ++i) {
        if (reach(begin) == reach(end)) {
          lengths_[i] = reach(begin) - i;
        } else {
          others.push_back(i);
        }
      }
    });
    search(std::move(others));
  }

  // Searches the given positions only. REQUIRES ascending positions.
  MatchPass(const Index& index, std::span<const TokenId> tokens, std::vector<std::uint64_t> positions)
      : MatchPass(1, index, tokens, {}) {
    search(std::move(positions));
  }

  // Not copyable: the comparisons refer to the pass.
  MatchPass(const MatchPass&) = delete;
  MatchPass& operator=(const MatchPass&) = delete;

  // Whether a span of a sequence of n_tokens tokens is counted faster here than by a search of its own.
  [[nodiscard]] static bool is_for(std::uint64_t span, std::uint64_t n_tokens) {
    return span > MatchBounds{}.compared && n_tokens > MatchBounds{}.n_short;
  }

  [[nodiscard]] std::uint64_t n_positions() const { return sequence_.size(); }
  [[nodiscard]] std::size_t n_shards() const { return index_.shards().size(); }

  // The most tokens from position i on that occur min_count times.
  [[nodiscard]] std::uint64_t length(std::uint64_t i) const { return lengths_[i]; }

  // Whether position i was searched. If not, it reaches as far as the nearest searched positions before and after it.
  [[nodiscard]] bool is_searched(std::uint64_t i) const { return searches_[i] != kNone; }

  // Calls f(begin, end) for each pair of consecutive searched positions with unsearched ones between them.
  template <class F>
  void for_each_gap(F&& f) const {
    for (std::uint64_t begin = 0, end = 1; end < n_positions(); ++end) {
      if (!is_searched(end)) continue;
      if (end - begin > 1) f(begin, end);
      begin = end;
    }
  }

  // Searches further positions. REQUIRES ascending positions that were not searched.
  void search(std::vector<std::uint64_t> positions);

  // Returns a strand that finds, in one shard, the ranges of the first `shortest`, …, `longest` tokens from position i
  // on, into ranges[0], … Lengths that do not occur in this shard are left unchanged.
  // REQUIRES is_searched(i), 0 < shortest <= longest <= length(i).
  [[nodiscard]] Strand extend(std::uint64_t i, std::size_t s, std::uint64_t longest, std::uint64_t shortest,
                              SuffixRange* ranges);

  // Returns how often the first lengths[k] tokens from positions[k] on occur, over all shards. REQUIRES that the
  // positions were searched, lengths > 0.
  [[nodiscard]] std::vector<std::uint64_t> counts(std::span<const std::uint64_t> positions,
                                                  std::span<const std::uint64_t> lengths);

  // The work done, for tests: searches, and tokens of the text read beyond what the searches compare.
  [[nodiscard]] std::size_t n_searches() const { return pattern_searches_.size(); }
  [[nodiscard]] std::uint64_t n_read() const {
    return std::accumulate(comparisons_.begin(), comparisons_.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& each) { return sum + each.n_read(); });
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  MatchPass(std::uint64_t min_count, const Index& index, std::span<const TokenId> tokens, MatchBounds bounds)
      : index_(index),
        min_count_(min_count),
        bounds_(bounds),
        sequence_(tokens),
        lengths_(tokens.size()),
        searches_(tokens.size(), kNone) {}

  void search(std::uint64_t begin, std::uint64_t end, std::uint64_t stride) {
    std::vector<std::uint64_t> positions;
    positions.reserve((end - begin) / stride + 1);
    for (std::uint64_t i = begin; i < end; i += stride) positions.push_back(i);
    search(std::move(positions));
  }

  [[nodiscard]] bool is_short() const { return n_positions() <= bounds_.n_short; }
  [[nodiscard]] std::uint64_t reach(std::uint64_t i) const { return i + lengths_[i]; }
  // How many tokens from position i on a search compares.
  [[nodiscard]] std::uint64_t n_compared(std::uint64_t i) const {
    return is_short() ? n_positions() - i : std::min(bounds_.compared, n_positions() - i);
  }
  [[nodiscard]] const PatternSearch<Token>& pattern_search(std::uint64_t i, std::size_t s) const {
    return pattern_searches_[searches_[i] * n_shards() + s];
  }
  // Whether all tokens compared from position i on occur in this shard, and more tokens follow.
  [[nodiscard]] bool is_long(std::uint64_t i, std::size_t s) const {
    return pattern_search(i, s).at.length() == n_compared(i) && n_compared(i) < n_positions() - i;
  }
  [[nodiscard]] const LongMatch& long_match(std::uint64_t i, std::size_t s) const {
    return long_matches_[long_searches_[i] * n_shards() + s];
  }
  [[nodiscard]] std::uint64_t length(std::uint64_t i, std::size_t s) const {
    return is_long(i, s) ? long_match(i, s).length() : pattern_search(i, s).at.length();
  }
  void search_long(std::vector<std::uint64_t> positions);
  void shorten(std::span<const std::uint64_t> positions);
  void find_ranges(std::span<const std::uint64_t> positions, std::span<const std::uint64_t> lengths, std::size_t s,
                   std::span<SuffixRange> ranges);

  const Index& index_;
  std::uint64_t min_count_;
  MatchBounds bounds_;
  Sequence<Token> sequence_;
  std::vector<std::uint64_t> lengths_;
  std::vector<std::uint32_t> searches_;                 // the search of position i, or kNone
  std::vector<PatternSearch<Token>> pattern_searches_;  // of search k in shard s at k * n_shards + s
  std::optional<Repeats<Token>> repeats_;
  std::vector<Comparisons<Token>> comparisons_;  // one per shard, once there are long matches
  std::vector<std::uint32_t> long_searches_;
  std::vector<LongMatch> long_matches_;  // of long search k in shard s at k * n_shards + s
};

template <StoredToken Token>
void MatchPass<Token>::search(std::vector<std::uint64_t> positions) {
  if (positions.empty()) return;
  if (repeats_) std::ranges::sort(positions, {}, [&](std::uint64_t i) { return repeats_->order(i); });
  const std::size_t first_search = pattern_searches_.size();
  pattern_searches_.reserve(first_search + (repeats_ ? 0 : positions.size() * n_shards()));
  std::optional<std::uint64_t> last;
  for (const std::uint64_t i : positions) {
    // Positions with the same tokens share a search.
    if (repeats_ && last && n_compared(i) == bounds_.compared && repeats_->shared(*last, i) >= bounds_.compared) {
      searches_[i] = searches_[*last];
      continue;
    }
    searches_[i] = static_cast<std::uint32_t>(pattern_searches_.size() / n_shards());
    for (const Shard& shard : index_.shards())
      pattern_searches_.push_back(search_in(shard, sequence_.pattern(i, n_compared(i))));
    last = i;
  }
  insert_all<Token>(std::span(pattern_searches_).subspan(first_search));
  std::vector<std::uint64_t> long_ones;
  for (const std::uint64_t i : positions) {
    bool is_any_long = false;
    for (std::size_t s = 0; s < n_shards(); ++s) is_any_long = is_any_long || is_long(i, s);
    if (is_any_long) long_ones.push_back(i);
  }
  if (!long_ones.empty()) search_long(std::move(long_ones));
  for (const std::uint64_t i : positions) {
    for (std::size_t s = 0; s < n_shards(); ++s) lengths_[i] = std::max(lengths_[i], length(i, s));
  }
  if (min_count_ > 1 || index_.has_removals()) shorten(positions);
}

// Shortens the lengths of which there is a suffix to those that occur min_count times: by doubling, since most are
// short, then by bisection.
template <StoredToken Token>
void MatchPass<Token>::shorten(std::span<const std::uint64_t> positions) {
  struct LengthBracket {
    std::uint64_t begin;
    std::uint64_t frequent;  // a length that occurs min_count times
    std::uint64_t rare;      // a longer one that does not
  };
  std::vector<LengthBracket> brackets;
  for (const std::uint64_t i : positions) brackets.push_back({i, 0, lengths_[i] + 1});
  std::vector<std::uint64_t> begins;
  std::vector<std::uint64_t> tried;
  for (bool is_first = true;; is_first = false) {
    std::erase_if(brackets, [&](const LengthBracket& bracket) {
      lengths_[bracket.begin] = bracket.frequent;
      return bracket.rare - bracket.frequent <= 1;
    });
    if (brackets.empty()) return;
    begins.clear();
    tried.clear();
    for (const auto& [begin, frequent, rare] : brackets) {
      begins.push_back(begin);
      const std::uint64_t half = frequent + (rare - frequent) / 2;
      tried.push_back(is_first ? rare - 1 : std::min(half, std::max<std::uint64_t>(4, 2 * frequent)));
    }
    const auto found = counts(begins, tried);
    for (std::size_t k = 0; k < brackets.size(); ++k) {
      (found[k] >= min_count_ ? brackets[k].frequent : brackets[k].rare) = tried[k];
    }
  }
}

// Completes the matches of positions that are longer, in at least one shard, than what was compared.
template <StoredToken Token>
void MatchPass<Token>::search_long(std::vector<std::uint64_t> positions) {
  if (!repeats_) {
    repeats_.emplace(sequence_);
    for (const Shard& shard : index_.shards()) comparisons_.emplace_back(shard, sequence_, *repeats_);
    long_searches_.resize(n_positions(), kNone);
  }
  std::ranges::sort(positions, {}, [&](std::uint64_t i) { return repeats_->order(i); });
  const std::size_t first = long_matches_.size();
  for (const std::uint64_t i : positions) {
    long_searches_[i] = static_cast<std::uint32_t>(long_matches_.size() / n_shards());
    for (std::size_t s = 0; s < n_shards(); ++s) long_matches_.push_back(LongMatch{i, bounds_.compared});
  }
  // The range of what was compared, once per search.
  std::vector<std::pair<std::uint64_t, std::size_t>> distinct;
  for (std::size_t s = 0; s < n_shards(); ++s) {
    std::uint32_t last = kNone;
    for (const std::uint64_t i : positions) {
      if (is_long(i, s) && searches_[i] != last) distinct.emplace_back(i, s);
      last = searches_[i];
    }
  }
  ShardRanges ranges(distinct.size());
  interleave(distinct.size(), [&](std::size_t k) {
    const PatternSearch<Token>& of = pattern_search(distinct[k].first, distinct[k].second);
    ranges[k] = {of.at.rank, of.at.rank};
    return infgram::extend(of, bounds_.compared, bounds_.compared, &ranges[k]);
  });
  for (std::size_t s = 0, k = 0; s < n_shards(); ++s) {
    std::vector<LongMatch*> matches;
    std::uint32_t last = kNone;
    for (std::size_t m = 0; m < positions.size(); ++m) {
      const std::uint64_t i = positions[m];
      if (!is_long(i, s)) continue;
      if (searches_[i] != last) ++k;
      last = searches_[i];
      LongMatch& match = long_matches_[first + m * n_shards() + s];
      match.within = ranges[k - 1];
      matches.push_back(&match);
    }
    place<Token>(matches, comparisons_[s], *repeats_, n_positions());
  }
}

template <StoredToken Token>
Strand MatchPass<Token>::extend(std::uint64_t i, std::size_t s, std::uint64_t longest, std::uint64_t shortest,
                                SuffixRange* ranges) {
  const PatternSearch<Token>& of = pattern_search(i, s);
  longest = std::min(longest, length(i, s));
  if (longest > n_compared(i)) {
    Widening<Token> widening(long_match(i, s), comparisons_[s]);
    const std::uint64_t least = std::max(shortest, bounds_.compared + 1);
    for (; longest >= least; --longest) ranges[longest - shortest] = widening.to(longest);
  }
  if (longest < shortest) return {};
  if (shortest == 1 && longest > 0) *ranges++ = of.within;
  shortest = std::max<std::uint64_t>(shortest, 2);
  if (longest < shortest) return {};
  return infgram::extend(of, longest, shortest, ranges);
}

template <StoredToken Token>
std::vector<std::uint64_t> MatchPass<Token>::counts(std::span<const std::uint64_t> positions,
                                                    std::span<const std::uint64_t> lengths) {
  std::vector<std::uint64_t> result(positions.size());
  ShardRanges ranges(positions.size());
  for (std::size_t s = 0; s < n_shards(); ++s) {
    std::ranges::fill(ranges, SuffixRange{});
    find_ranges(positions, lengths, s, ranges);
    const Shard& shard = index_.shards()[s];
    for (std::size_t k = 0; k < positions.size(); ++k) result[k] += shard.live_count(ranges[k]);
  }
  return result;
}

// Leaves the ranges of lengths that do not occur unchanged.
template <StoredToken Token>
void MatchPass<Token>::find_ranges(std::span<const std::uint64_t> positions, std::span<const std::uint64_t> lengths,
                                   std::size_t s, std::span<SuffixRange> ranges) {
  std::vector<std::size_t> long_ones;
  interleave(positions.size(), [&](std::size_t k) {
    const std::uint64_t i = positions[k];
    if (length(i, s) < lengths[k]) return Strand();
    if (lengths[k] <= n_compared(i)) return extend(i, s, lengths[k], lengths[k], &ranges[k]);
    long_ones.push_back(k);
    return Strand();
  });
  if (long_ones.empty()) return;
  const auto& repeats = *repeats_;  // NOLINT(bugprone-unchecked-optional-access): set if a match can be long
  // In descending order, so that prefixes come after what they are prefixes of.
  std::ranges::sort(long_ones, std::greater<>(), [&](std::size_t k) { return repeats.order(positions[k]); });
  std::optional<Widening<Token>> widening;
  std::size_t last = 0;
  for (const std::size_t k : long_ones) {
    const std::uint64_t i = positions[k];
    const std::uint64_t length = lengths[k];
    if (widening && lengths[last] >= length && repeats.shared(i, positions[last]) >= length) {
      widening->continue_from(i);
    } else {
      widening.emplace(long_match(i, s), comparisons_[s]);
    }
    ranges[k] = widening->to(length);  // NOLINT(bugprone-unchecked-optional-access): set in both branches
    last = k;
  }
}

}  // namespace infgram
