#include "query/longest_suffix.hpp"

#include <algorithm>
#include <utility>

namespace infgram {

LongestSuffix longest_suffix(const Index& index, std::span<const TokenId> context, std::uint64_t min_count) {
  LongestSuffix best{0, find(index, {})};
  std::uint64_t too_long = context.size() + 1;
  const auto try_length = [&](std::uint64_t length) {
    ShardRanges ranges = find(index, context.last(length));
    if (total_count(ranges) >= min_count) {
      best = {length, std::move(ranges)};
    } else {
      too_long = length;
    }
  };
  while (best.length * 2 + 1 < too_long) {  // doubling: 1, 3, 7, …
    const std::uint64_t length = best.length * 2 + 1;
    try_length(length);
  }
  while (too_long - best.length > 1) try_length(best.length + (too_long - best.length) / 2);
  return best;
}

}  // namespace infgram
