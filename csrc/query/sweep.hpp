// A plane sweep over the positions of all clauses, which finds the occurrences of their conjunction
// (query/conjunction.hpp).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "query/position_set.hpp"

namespace infgram {

// Calls f(containing, members, end) for each run of occurrences of the conjunction, ascending, each inside one
// document: the members of sets[0] from the cursor `members` up to the position `end`. f must move the cursor to `end`,
// and returns whether to continue. Runs of one document are consecutive, and a run may be empty.
//
// From a position x, take the next member of each set: let E be the farthest, and m the nearest except for set 0. If E
// is beyond x + max_distance, no occurrence begins before E - max_distance, and x moves there. Otherwise every member
// of set 0 in [x, m + max_distance] has the other clauses within reach, and x moves to m + 1.
// Cost: one step for each member of the other sets that is within reach of all sets, and one search for each gap.
template <class F>
void sweep(const Shard& shard, std::span<const PositionSet> sets, std::uint64_t max_distance, const Poll& poll, F&& f) {
  constexpr std::uint64_t kPollEvery = 1 << 16;
  std::vector<PositionSet::Cursor> next(sets.begin(), sets.end());
  PositionSet::Cursor members(sets[0]);
  Shard::ContainingDocument containing{0, {0, 0}};
  for (std::uint64_t x = 0, step = 1;; ++step) {
    if (step % kPollEvery == 0) poll(0);
    std::uint64_t nearest = kNoPosition;
    std::uint64_t farthest = 0;
    for (std::size_t c = 0; c < next.size(); ++c) {
      const Position position = next[c].at_least(x);
      if (position == kNoPosition) return;
      if (c > 0) nearest = std::min(nearest, position);
      farthest = std::max(farthest, position);
    }
    if (farthest >= containing.span.end) {  // restrict the choice to the document of the farthest
      containing = shard.containing_document(farthest, containing.document);
      x = std::max(x, containing.span.begin);
      continue;
    }
    if (farthest - x > max_distance) {
      x = farthest - max_distance;
      continue;
    }
    const std::uint64_t room = containing.span.end - 1 - std::min(nearest, containing.span.end - 1);
    const bool reaches_end = room <= max_distance;
    const std::uint64_t end = reaches_end ? containing.span.end : nearest + max_distance + 1;
    members.at_least(x);
    if (!f(containing, members, end)) return;
    x = reaches_end ? containing.span.end : nearest + 1;
  }
}

}  // namespace infgram
