// The searches of longest_matches() and score(): where every rest of a sequence stands in every shard.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "query/jobs.hpp"
#include "query/long_matches.hpp"
#include "query/search.hpp"

namespace infgram {

// A match *reaches* the position at which it ends; the one that begins a position later reaches as far at least. So
// where two positions reach the same one, all between them do. In a long sequence every 64th position is
// searched, and the others only where the next of these reaches farther: a passage of L tokens copied from the
// index takes L / 64 searches. What searches compare is bounded; matches that are longer are left to long_matches.hpp.
//
// Cost: a search of at most 512 tokens for each position that is searched, and, once there are long matches, for
// each distinct piece of 512 tokens only; for long matches that of long_matches.hpp and one sort of the sequence.
// Memory: a job a search and shard, some 20 bytes a token.
template <class Token>
class MatchPass {
 public:
  // What of a sequence of more than 2 * compared tokens is left out at first; other numbers are for tests.
  struct Bounds {
    std::uint64_t compared = 512;  // tokens that a search compares
    std::uint64_t stride = 64;     // between positions
  };

  // Runs the searches. The index must outlive the pass.
  MatchPass(const Index& index, std::span<const TokenId> tokens, Bounds bounds = {})
      : index_(index),
        bounds_(bounds),
        sequence_(tokens),
        lengths_(tokens.size()),
        searches_(tokens.size(), kNone) {
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

  [[nodiscard]] std::uint64_t n_positions() const { return sequence_.size(); }
  [[nodiscard]] std::size_t n_shards() const { return index_.shards().size(); }

  // The tokens from position i on that occur in some shard.
  [[nodiscard]] std::uint64_t length(std::uint64_t i) const { return lengths_[i]; }

  // Whether position i was searched itself. If not, it reaches as far as those that were, before and after it.
  [[nodiscard]] bool is_searched(std::uint64_t i) const { return searches_[i] != kNone; }

  // Calls f(begin, end) for each run of positions between `begin` and `end` that were not searched; these two were.
  template <class F>
  void for_each_gap(F&& f) const {
    for (std::uint64_t begin = 0, end = 1; end < n_positions(); ++end) {
      if (!is_searched(end)) continue;
      if (end - begin > 1) f(begin, end);
      begin = end;
    }
  }

  // Searches positions that were not. REQUIRES positions that ascend.
  void search(std::vector<std::uint64_t> positions);

  // A strand that counts, in one shard, the first `shortest`, …, `longest` tokens from position i on, into ranges[0], …
  // Lengths that do not occur in this shard are left as they are.
  // REQUIRES is_searched(i), 0 < shortest <= longest <= length(i).
  [[nodiscard]] Strand extend(std::uint64_t i, std::size_t s, std::uint64_t longest, std::uint64_t shortest,
                              SuffixRange* ranges);

  // The ranges, in one shard, of the matches that begin at some positions, into ranges[0], …; those that are not the
  // longest of all shards are left as they are. REQUIRES is_searched(positions[…]).
  void longest_ranges(std::span<const std::uint64_t> positions, std::size_t s, SuffixRange* ranges);

  // How much was done, for the tests of the bounds: searches, and tokens compared beyond what searches compare.
  [[nodiscard]] std::size_t n_searches() const { return jobs_.size(); }
  [[nodiscard]] std::uint64_t n_read() const {
    return std::accumulate(comparisons_.begin(), comparisons_.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const auto& each) { return sum + each.n_read(); });
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  void search(std::uint64_t begin, std::uint64_t end, std::uint64_t stride) {
    std::vector<std::uint64_t> positions;
    positions.reserve((end - begin) / stride + 1);
    for (std::uint64_t i = begin; i < end; i += stride) positions.push_back(i);
    search(std::move(positions));
  }

  [[nodiscard]] bool is_short() const { return n_positions() <= 2 * bounds_.compared; }
  [[nodiscard]] std::uint64_t reach(std::uint64_t i) const { return i + lengths_[i]; }
  // How many tokens from position i on are compared.
  [[nodiscard]] std::uint64_t n_compared(std::uint64_t i) const {
    return is_short() ? n_positions() - i : std::min(bounds_.compared, n_positions() - i);
  }
  [[nodiscard]] const Job<Token>& job(std::uint64_t i, std::size_t s) const {
    return jobs_[searches_[i] * n_shards() + s];
  }
  // Whether all that was compared from position i on occurs in this shard, and there is more of it.
  [[nodiscard]] bool is_long(std::uint64_t i, std::size_t s) const {
    return job(i, s).at.length() == n_compared(i) && n_compared(i) < n_positions() - i;
  }
  [[nodiscard]] const LongMatch& long_match(std::uint64_t i, std::size_t s) const {
    return long_matches_[long_searches_[i] * n_shards() + s];
  }
  [[nodiscard]] std::uint64_t length(std::uint64_t i, std::size_t s) const {
    return is_long(i, s) ? long_match(i, s).length() : job(i, s).at.length();
  }
  void search_long(const std::vector<std::uint64_t>& positions);

  const Index& index_;
  Bounds bounds_;
  Sequence<Token> sequence_;
  std::vector<std::uint64_t> lengths_;
  std::vector<std::uint32_t> searches_;  // of position i, or kNone: its number
  std::vector<Job<Token>> jobs_;         // of search k in shard s at k * n_shards + s
  std::optional<Repeats<Token>> repeats_;
  std::vector<Comparisons<Token>> comparisons_;  // of each shard, as soon as there are long matches
  std::vector<std::uint32_t> long_searches_;
  std::vector<LongMatch> long_matches_;  // likewise
};

template <class Token>
void MatchPass<Token>::search(std::vector<std::uint64_t> positions) {
  if (positions.empty()) return;
  if (repeats_) std::ranges::sort(positions, {}, [&](std::uint64_t i) { return repeats_->order(i); });
  const std::size_t first_job = jobs_.size();
  jobs_.reserve(first_job + (repeats_ ? 0 : positions.size() * n_shards()));
  std::optional<std::uint64_t> last;
  for (const std::uint64_t i : positions) {
    // The same tokens are looked for once.
    if (repeats_ && last && n_compared(i) == bounds_.compared && repeats_->shared(*last, i) >= bounds_.compared) {
      searches_[i] = searches_[*last];
      continue;
    }
    searches_[i] = static_cast<std::uint32_t>(jobs_.size() / n_shards());
    for (const Shard& shard : index_.shards()) jobs_.push_back(job_for(shard, sequence_.pattern(i, n_compared(i))));
    last = i;
  }
  insert_all<Token>(std::span(jobs_).subspan(first_job));
  std::vector<std::uint64_t> long_ones;
  for (const std::uint64_t i : positions) {
    bool is_any_long = false;
    for (std::size_t s = 0; s < n_shards(); ++s) is_any_long = is_any_long || is_long(i, s);
    if (is_any_long) long_ones.push_back(i);
  }
  if (!long_ones.empty()) search_long(long_ones);
  for (const std::uint64_t i : positions) {
    for (std::size_t s = 0; s < n_shards(); ++s) lengths_[i] = std::max(lengths_[i], length(i, s));
  }
}

// The matches of the positions, in at least one shard, are longer than what was compared.
template <class Token>
void MatchPass<Token>::search_long(const std::vector<std::uint64_t>& unsorted) {
  if (!repeats_) {
    repeats_.emplace(sequence_);
    for (const Shard& shard : index_.shards()) comparisons_.emplace_back(shard, sequence_, *repeats_);
    long_searches_.resize(n_positions(), kNone);
  }
  std::vector<std::uint64_t> positions = unsorted;
  std::ranges::sort(positions, {}, [&](std::uint64_t i) { return repeats_->order(i); });
  const std::size_t first = long_matches_.size();
  for (const std::uint64_t i : positions) {
    long_searches_[i] = static_cast<std::uint32_t>(long_matches_.size() / n_shards());
    for (std::size_t s = 0; s < n_shards(); ++s) long_matches_.push_back(LongMatch{i, bounds_.compared});
  }
  // Where what was compared stands, once for each search.
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
    const Job<Token>& of = job(distinct[k].first, distinct[k].second);
    ranges[k] = {of.at.rank, of.at.rank};
    return infgram::extend(*of.shard, of.pattern, of.within, of.depth, of.at, bounds_.compared, bounds_.compared, &ranges[k]);
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

template <class Token>
Strand MatchPass<Token>::extend(std::uint64_t i, std::size_t s, std::uint64_t longest, std::uint64_t shortest,
                                SuffixRange* ranges) {
  const Job<Token>& of = job(i, s);
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
  return infgram::extend(*of.shard, of.pattern, of.within, of.depth, of.at, longest, shortest, ranges);
}

template <class Token>
void MatchPass<Token>::longest_ranges(std::span<const std::uint64_t> positions, std::size_t s, SuffixRange* ranges) {
  std::vector<std::size_t> long_ones;
  interleave(positions.size(), [&](std::size_t k) {
    const std::uint64_t i = positions[k];
    if (length(i) == 0 || length(i, s) < length(i)) return Strand();
    if (length(i) <= n_compared(i)) return extend(i, s, length(i), length(i), ranges + k);
    long_ones.push_back(k);
    return Strand();
  });
  // From the last in order to the first, so that the prefixes of a match follow it.
  std::ranges::sort(long_ones, std::greater<>(), [&](std::size_t k) { return repeats_->order(positions[k]); });
  std::optional<Widening<Token>> widening;
  std::uint64_t last = 0;
  for (const std::size_t k : long_ones) {
    const std::uint64_t i = positions[k];
    if (widening && repeats_->shared(i, last) >= length(i)) {
      widening->go_on_from(i);
    } else {
      widening.emplace(long_match(i, s), comparisons_[s]);
    }
    ranges[k] = widening->to(length(i));
    last = i;
  }
}

}  // namespace infgram
