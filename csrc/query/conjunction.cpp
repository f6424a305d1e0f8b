#include "query/conjunction.hpp"

#include <algorithm>

#include "query/sweep.hpp"

namespace infgram {
namespace {

// Whether scanning `n_scanned` tokens of a shard for a clause's occurrences is cheaper than reading all its positions
// from the suffix array. In units of the time to scan one token, reading and sorting a position takes about 16, and
// finding and keeping an occurrence during a scan about 12.
bool is_scan_cheaper(const Shard& shard, const Clause& clause, std::size_t s, std::uint64_t n_scanned) {
  const auto count = static_cast<double>(clause.count(s));
  const auto n_tokens = static_cast<double>(n_scanned);
  const double n_hits = count * n_tokens / static_cast<double>(shard.n_tokens());
  return n_tokens * static_cast<double>(clause.n_terms()) + 12 * n_hits < 16 * count;
}

constexpr std::uint64_t plus(std::uint64_t a, std::uint64_t b) { return a > kNoPosition - b ? kNoPosition : a + b; }

// The text within `distance` of each position and in its document, as ascending disjoint spans.
std::vector<Shard::Span> surroundings(const Shard& shard, const PositionSet& positions, std::uint64_t distance) {
  std::vector<Shard::Span> spans;
  PositionSet::Cursor cursor(positions);
  Shard::ContainingDocument containing{0, {0, 0}};
  for (Position position = cursor.at_least(0); position != kNoPosition;) {
    if (position >= containing.span.end) containing = shard.containing_document(position, containing.document);
    const std::uint64_t begin = position - std::min(distance, position - containing.span.begin);
    const std::uint64_t end = std::min(containing.span.end, plus(position + 1, distance));
    if (!spans.empty() && begin <= spans.back().end) {
      spans.back().end = end;
    } else {
      spans.push_back({begin, end});
    }
    position = cursor.at_least(end == containing.span.end ? end : position + 1);
  }
  return spans;
}

std::uint64_t total_size(std::span<const Shard::Span> spans) {
  std::uint64_t size = 0;
  for (const Shard::Span& span : spans) size += span.end - span.begin;
  return size;
}

// Calls f(document, n_matches, first position) for each document with occurrences; documents are numbered in the shard.
template <class F>
void for_each_document(const Shard& shard, std::span<const PositionSet> sets, std::uint64_t max_distance,
                       const Poll& poll, F&& f) {
  std::uint64_t document = 0;
  std::uint64_t n_matches = 0;
  std::uint64_t first = 0;
  sweep(shard, sets, max_distance, poll,
        [&](const Shard::ContainingDocument& containing, PositionSet::Cursor& members, std::uint64_t end) {
          if (containing.document != document && n_matches > 0) {
            f(document, n_matches, first);
            n_matches = 0;
          }
          document = containing.document;
          if (n_matches == 0) first = members.at_least(0);
          n_matches += members.count_to(end);
          return true;
        });
  if (n_matches > 0) f(document, n_matches, first);
}

// Chooses an occurrence of each clause that together with `position` completes an occurrence of the conjunction; of
// several choices, the one that begins last. `positions` holds the positions of each clause in the document. The first
// element of the result is `position`. REQUIRES that `position` is an occurrence of the conjunction.
std::vector<std::uint64_t> completion(std::span<const std::vector<std::uint64_t>> positions, Position position,
                                      std::uint64_t max_distance) {
  std::vector<std::uint64_t> chosen(positions.size(), position);
  for (std::uint64_t x = position;;) {
    bool is_complete = true;
    std::uint64_t before = 0;
    for (std::size_t c = 1; c < positions.size(); ++c) {
      const auto next = std::ranges::lower_bound(positions[c], x);
      is_complete = is_complete && next != positions[c].end() && *next - x <= max_distance;
      if (next != positions[c].end()) chosen[c] = *next;
      if (next != positions[c].begin()) before = std::max(before, *(next - 1));
    }
    if (is_complete || before >= x) return chosen;
    x = before;
  }
}

std::size_t rarest(std::span<const Clause> clauses, std::size_t shard) {
  std::size_t best = 0;
  for (std::size_t c = 1; c < clauses.size(); ++c) {
    if (clauses[c].count(shard) < clauses[best].count(shard)) best = c;
  }
  return best;
}

}  // namespace

std::vector<MatchingDocument> Conjunction::documents(const Poll& poll) const {
  std::vector<MatchingDocument> found;
  for (std::size_t s = 0; s < index_->shards().size(); ++s) {
    const std::size_t driver = rarest(clauses_, s);
    if (clauses_[driver].count(s) == 0) continue;
    const Shard& shard = index_->shards()[s];
    std::vector<PositionSet> sets(clauses_.size());
    sets[driver] = PositionSet::gather(shard, clauses_[driver].ranges(s), poll);
    complete(s, sets, driver, poll);
    for_each_document(shard, sets, max_distance_, poll,
                      [&](std::uint64_t document, std::uint64_t n_matches, std::uint64_t) {
                        found.push_back({shard.document_number(document), n_matches, true});
                      });
  }
  return found;
}

std::vector<MatchingDocument> Conjunction::sampled_documents(std::uint64_t size, std::uint64_t seed, Frame frame,
                                                             const Poll& poll) const {
  std::vector<MatchingDocument> found;
  const std::vector<std::uint64_t> chosen = random_sample(frame.total, size, seed);
  std::uint64_t base = frame.before;
  auto i = static_cast<std::size_t>(std::ranges::lower_bound(chosen, base) - chosen.begin());
  for (std::size_t s = 0; s < index_->shards().size(); ++s) {
    const Shard& shard = index_->shards()[s];
    std::vector<std::uint64_t> positions;
    for (const SuffixRange& range : clauses_[0].ranges(s)) {
      const std::uint64_t count = shard.live_count(range);
      for (; i < chosen.size() && chosen[i] < base + count; ++i) {
        positions.push_back(shard.position(shard.rank_of_live(shard.live_rank(range.lo) + (chosen[i] - base))));
      }
      base += count;
    }
    poll(positions.size());
    if (positions.empty()) continue;
    std::ranges::sort(positions);
    std::vector<PositionSet> sets(clauses_.size());
    sets[0] = PositionSet(std::move(positions));
    complete(s, sets, 0, poll);
    for_each_document(shard, sets, max_distance_, poll,
                      [&](std::uint64_t document, std::uint64_t n_matches, std::uint64_t first) {
                        const bool has_first = is_first(s, document, first, poll);
                        found.push_back({shard.document_number(document), n_matches, has_first});
                      });
  }
  return found;
}

// Fills all sets but the driver's, at least where they are close enough to a position of the driver to matter.
void Conjunction::complete(std::size_t s, std::vector<PositionSet>& sets, std::size_t driver, const Poll& poll) const {
  if (clauses_.size() == 1) return;
  const Shard& shard = index_->shards()[s];
  const std::vector<Shard::Span> around = surroundings(shard, sets[driver], max_distance_);
  const std::uint64_t n_tokens = total_size(around);
  for (std::size_t c = 0; c < clauses_.size(); ++c) {
    if (c == driver) continue;
    const Clause& clause = clauses_[c];
    sets[c] = is_scan_cheaper(shard, clause, s, n_tokens) ? PositionSet(clause.scan(shard, around, poll))
                                                          : PositionSet::gather(shard, clause.ranges(s), poll);
  }
}

// Whether an occurrence of the conjunction is the first one in its document.
bool Conjunction::is_first(std::size_t s, std::uint64_t document, Position position, const Poll& poll) const {
  const Shard& shard = index_->shards()[s];
  Shard::Span span = shard.document_span(document);
  span.end = std::min(span.end, plus(position + 1, max_distance_));
  std::vector<PositionSet> sets;
  sets.reserve(clauses_.size());
  for (const Clause& clause : clauses_) sets.emplace_back(clause.scan(shard, {&span, 1}, poll));
  std::uint64_t first = kNoPosition;
  sweep(shard, sets, max_distance_, poll,
        [&](const Shard::ContainingDocument&, PositionSet::Cursor& members, std::uint64_t end) {
          const std::uint64_t member = members.at_least(0);
          if (member < end) first = member;
          return first == kNoPosition && members.at_least(end) != kNoPosition;
        });
  return first == position;
}

Conjunction::Matches Conjunction::matches(std::uint64_t document, std::uint64_t limit, const Poll& poll) const {
  const auto [s, in_shard] = index_->locate_document(document);
  const Shard& shard = index_->shards()[s];
  const Shard::Span span = shard.document_span(in_shard);
  std::vector<std::vector<std::uint64_t>> positions;
  std::vector<PositionSet> sets;
  for (const Clause& clause : clauses_) {
    positions.push_back(clause.scan(shard, {&span, 1}, poll));
    sets.emplace_back(positions.back());
  }
  std::vector<Match> found;
  const auto add = [&](std::size_t c, Position position) {
    found.push_back({c, position - span.begin, clauses_[c].length_at(shard, position)});
  };
  std::uint64_t n_found = 0;
  sweep(shard, sets, max_distance_, poll,
        [&](const Shard::ContainingDocument&, PositionSet::Cursor& members, std::uint64_t end) {
          Position position = members.at_least(0);
          for (; position < end && n_found < limit; position = members.at_least(position + 1), ++n_found) {
            add(0, position);
            const std::vector<std::uint64_t> others = completion(positions, position, max_distance_);
            for (std::size_t c = 1; c < clauses_.size(); ++c) add(c, others[c]);
          }
          n_found += members.count_to(end);
          return true;
        });
  const auto key = [](const Match& match) { return std::pair(match.offset, match.clause); };
  std::ranges::sort(found, {}, key);
  const auto repeated = std::ranges::unique(found, {}, key);
  found.erase(repeated.begin(), repeated.end());
  return {n_found, std::move(found)};
}

std::uint64_t document_count(const Index& index, std::span<const SuffixRange> ranges, const Poll& poll) {
  std::uint64_t count = 0;
  for (std::size_t s = 0; s < ranges.size(); ++s) {
    const Shard& shard = index.shards()[s];
    if (ranges[s].size() == shard.n_suffixes()) {  // every document with a token; this is the range of the empty query,
                                                   // and of a text with one distinct token
      for (std::uint64_t d = 0; d < shard.n_stored_documents(); ++d) {
        const Shard::Span span = shard.document_span(d);
        count += span.begin < span.end && !shard.is_removed(d) ? 1 : 0;
      }
    } else if (!ranges[s].empty()) {
      const PositionSet set = PositionSet::gather(shard, ranges.subspan(s, 1), poll);
      for_each_document(shard, {&set, 1}, kWholeDocument, poll,
                        [&](std::uint64_t, std::uint64_t, std::uint64_t) { ++count; });
    }
  }
  return count;
}

}  // namespace infgram
