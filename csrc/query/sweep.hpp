// One pass over the positions of all clauses, which finds the occurrences of their conjunction (query/conjunction.hpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "query/position_set.hpp"

namespace infgram {

// Calls f(holder, members, end) for each stretch of occurrences of the conjunction, document by document, ascending:
// the members of sets[0] from where the cursor `members` is up to the position `end`. f moves the cursor to `end`, and
// returns whether to go on. Stretches of one document follow one another, and may hold no member that is new.
//
// From a position x on, take the next member of each set: the farthest of them at E, the nearest, but for set 0, at m.
// If E lies beyond x + max_distance, no choice begins before E - max_distance, and x goes there. Otherwise every member
// of set 0 in [x, m + max_distance] has the others within reach; x goes to m + 1.
// Cost: a step for each member of the sets but the first that lies within reach of all others, and a search for each
// stretch passed over.
template <class F>
void sweep(const Shard& shard, std::span<const PositionSet> sets, std::uint64_t max_distance, const Poll& poll, F&& f) {
  constexpr std::uint64_t kPollEvery = 1 << 16;
  std::vector<PositionSet::Cursor> next(sets.begin(), sets.end());
  PositionSet::Cursor members(sets[0]);
  Shard::Holder holder{0, {0, 0}};
  for (std::uint64_t x = 0, step = 1;; ++step) {
    if (step % kPollEvery == 0) poll(0);
    std::uint64_t nearest = kNoPosition;
    std::uint64_t farthest = 0;
    for (std::size_t c = 0; c < next.size(); ++c) {
      const std::uint64_t position = next[c].at_least(x);
      if (position == kNoPosition) return;
      if (c > 0) nearest = std::min(nearest, position);
      farthest = std::max(farthest, position);
    }
    if (farthest >= holder.span.end) {  // choose within the document of the farthest
      holder = shard.holder_of({farthest}, holder.document);
      x = std::max(x, holder.span.begin);
      continue;
    }
    if (farthest - x > max_distance) {
      x = farthest - max_distance;
      continue;
    }
    const std::uint64_t room = holder.span.end - 1 - std::min(nearest, holder.span.end - 1);
    const bool reaches_end = room <= max_distance;
    const std::uint64_t end = reaches_end ? holder.span.end : nearest + max_distance + 1;
    members.at_least(x);
    if (!f(holder, members, end)) return;
    x = reaches_end ? holder.span.end : nearest + 1;
  }
}

}  // namespace infgram
