#include "query/locate.hpp"

#include <algorithm>
#include <unordered_set>

#include "query/search_batch.hpp"
#include "query/suffix_merge.hpp"

namespace infgram {
namespace {

Location location_of(const Index& index, std::size_t s, Position position) {
  const Shard& shard = index.shards()[s];
  const auto [document, span] = shard.containing_document(position);
  return {shard.document_number(document), position - span.begin};
}

// Calls f(shard, position) for the occurrences in suffix order over all shards, until it returns false.
template <class F>
void for_each_in_order(const Index& index, std::span<const SuffixRange> ranges, F&& f) {
  constexpr std::uint64_t kToTheirEnds = ~std::uint64_t{0};
  with_token_type(index, [&]<class Token>(Text<Token>) { merge_suffixes<Token>(index, ranges, kToTheirEnds, f); });
}

std::uint64_t priority(std::uint64_t seed, std::uint64_t document) {
  return splitmix64(seed * kSplitmix64Step + document + 1);
}

// Calls f(shard, rank) for the occurrences, ascending; if the frame holds more than `most`, for a sample of `most`.
template <class F>
void for_each_read(const Index& index, std::span<const SuffixRange> ranges, std::uint64_t most, std::uint64_t seed,
                   Frame frame, F&& f) {
  const bool is_sample = frame.total > most;
  const auto sample = is_sample ? random_sample(frame.total, most, seed) : std::vector<std::uint64_t>();
  std::uint64_t before = frame.before;  // occurrences in earlier parts and shards
  auto next = std::ranges::lower_bound(sample, before);
  for (std::size_t s = 0; s < ranges.size(); ++s) {
    const Shard& shard = index.shards()[s];
    if (!is_sample) {
      for (LiveRanks ranks = shard.live_ranks(ranges[s]); !ranks.is_done(); ranks.advance()) f(s, ranks.rank());
      continue;
    }
    const std::uint64_t live_rank = shard.live_rank(ranges[s].lo);
    const std::uint64_t count = shard.live_count(ranges[s]);
    for (; next != sample.end() && *next < before + count; ++next) f(s, shard.rank_of_live(live_rank + *next - before));
    before += count;
  }
}

}  // namespace

std::vector<Location> locate(const Index& index, std::span<const SuffixRange> ranges, std::size_t limit) {
  std::vector<Location> locations;
  if (limit == 0) return locations;
  for_each_in_order(index, ranges, [&](std::size_t shard, Position position) {
    locations.push_back(location_of(index, shard, position));
    return locations.size() < limit;
  });
  return locations;
}

std::vector<Location> sampled_documents(const Index& index, std::span<const SuffixRange> ranges, std::size_t limit,
                                        std::uint64_t seed, std::uint64_t most_read, Frame frame) {
  std::vector<Location> documents;
  // A bit per document, if that takes less memory than a set.
  std::uint64_t n_stored = 0;
  for (const Shard& shard : index.shards()) n_stored += shard.n_stored_documents();
  const bool are_few = std::min(total_count(index, ranges), most_read) < n_stored / 64;
  std::vector<std::vector<bool>> seen(index.shards().size());  // [shard][document in it]
  for (std::size_t s = 0; s < seen.size() && !are_few; ++s) seen[s].resize(index.shards()[s].n_stored_documents());
  std::unordered_set<std::uint64_t> seen_few;
  for_each_read(index, ranges, most_read, seed, frame, [&](std::size_t s, Rank rank) {
    const Shard& shard = index.shards()[s];
    const Position position = shard.position(rank);
    const auto [document, span] = shard.containing_document(position);
    const std::uint64_t number = shard.document_number(document);
    const bool is_new = are_few ? seen_few.insert(number).second : !seen[s][document];
    if (!is_new) return;
    if (!are_few) seen[s][document] = true;
    documents.push_back({number, position - span.begin});
  });
  const auto key = [seed](const Location& location) {
    return std::pair(priority(seed, location.document), location.document);
  };
  const auto n = static_cast<std::ptrdiff_t>(std::min(limit, documents.size()));
  std::ranges::partial_sort(documents, documents.begin() + n, {}, key);
  documents.resize(static_cast<std::size_t>(n));
  return documents;
}

}  // namespace infgram
