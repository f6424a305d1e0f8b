#include "query/longest_suffix.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>
#include <vector>

#include "query/search_batch.hpp"

namespace infgram {
namespace {

constexpr std::uint64_t kFewPlaces = 32;

// Returns the length of a suffix that the directory alone proves to occur min_count times. Reads no page.
template <StoredToken Token>
std::uint64_t length_in_directory(const Index& index, const Sequence<Token>& context, std::uint64_t min_count) {
  const std::uint64_t most = std::min<std::uint64_t>(context.size(), 1 + Text<Token>::kKeyTokens);
  std::uint64_t length = 0;
  while (length < most) {
    const Pattern<Token> suffix = context.pattern(context.size() - length - 1, length + 1);
    const bool is_shown = std::ranges::any_of(index.shards(), [&](const Shard& shard) {
      const SuffixRange range = shard.first_token_range(suffix.data[0]);
      if (suffix.size == 1) return shard.live_count(range) >= min_count;
      const std::uint64_t enough = min_count + shard.n_removed(range);  // includes min_count live suffixes
      return shard.directory().template shows<Token>(range, suffix.key(), suffix.size, enough);
    });
    if (!is_shown) break;
    ++length;
  }
  return length;
}

// Given a suffix with few occurrences, returns the length to which min_count of them extend to the left as the context
// does. Clears the ranges of the shards where none extends so far.
template <StoredToken Token>
std::uint64_t length_at_places(const Index& index, const Sequence<Token>& context, LongestSuffix& found,
                               std::uint64_t min_count) {
  const Pattern<Token> suffix = context.pattern(context.size() - found.length, found.length);
  std::array<std::uint64_t, kFewPlaces> lengths{};
  std::array<std::uint64_t, kFewPlaces> positions{};
  std::vector<std::uint64_t> longest(found.ranges.size());  // by shard
  std::size_t n = 0;
  for (std::size_t s = 0; s < found.ranges.size(); ++s) {
    const Shard& shard = index.shards()[s];
    const Text<Token> text = shard.typed_text<Token>();
    const std::size_t first = n;
    // A file that lost its pages may hold more live ranks than it counts.
    for (LiveRanks ranks = shard.live_ranks(found.ranges[s]); !ranks.is_done() && n < kFewPlaces; ranks.advance()) {
      positions[n] = shard.position(ranks.rank());
      text.prefetch(positions[n++]);
    }
    for (std::size_t i = first; i < n; ++i) {
      lengths[i] = found.length + suffix.shared_before(text, positions[i], context.size() - found.length);
      longest[s] = std::max(longest[s], lengths[i]);
    }
  }
  std::ranges::sort(lengths, std::greater<>());  // unused elements, 0, come last
  const std::uint64_t length = lengths[min_count - 1];
  for (std::size_t s = 0; s < longest.size(); ++s) {
    if (longest[s] < length) found.ranges[s] = {};
  }
  return length;
}

}  // namespace

LongestSuffix longest_suffix(const Index& index, std::span<const TokenId> context, std::uint64_t min_count) {
  return with_token_type(index, [&]<class Token>(Text<Token>) {
    const Sequence<Token> sequence(context);
    LongestSuffix best;
    const auto find_last = [&](std::uint64_t length) {
      LongestSuffix found{length, find(index, context.last(length), best.ranges)};
      found.count = total_count(index, found.ranges);
      return found;
    };
    std::uint64_t length = length_in_directory(index, sequence, min_count);  // occurs often enough
    std::uint64_t too_long = context.size() + 1;
    bool is_doubling = true;
    for (std::uint64_t step = 1; too_long - length > 1; step *= 2) {
      if (is_doubling && length + step >= too_long) is_doubling = false;
      LongestSuffix tried = find_last(is_doubling ? length + step : length + (too_long - length) / 2);
      const std::uint64_t count = tried.count;
      if (count < min_count) {
        too_long = tried.length;
        is_doubling = false;
        continue;
      }
      length = tried.length;
      best = std::move(tried);
      if (count <= kFewPlaces) {
        length = length_at_places(index, sequence, best, min_count);
        break;
      }
    }
    if (best.length != length || best.ranges.empty()) best = find_last(length);
    // The directory and the places showed min_count occurrences, so the search finds them.
    if (length > 0 && best.count < min_count) index.throw_bad_counts();
    return best;
  });
}

}  // namespace infgram
