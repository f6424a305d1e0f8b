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
  return {index.first_document(s) + document, position - span.begin};
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
void for_each_read(std::span<const SuffixRange> ranges, std::uint64_t most, std::uint64_t seed, Frame frame, F&& f) {
  const bool is_sample = frame.total > most;
  const auto sample = is_sample ? random_sample(frame.total, most, seed) : std::vector<std::uint64_t>();
  std::uint64_t before = frame.before;  // occurrences in earlier parts and shards
  auto next = std::ranges::lower_bound(sample, before);
  for (std::size_t s = 0; s < ranges.size(); before += ranges[s++].count()) {
    if (is_sample) {
      for (; next != sample.end() && *next < before + ranges[s].count(); ++next) f(s, ranges[s].lo + *next - before);
    } else {
      for (Rank rank = ranges[s].lo; rank < ranges[s].hi; ++rank) f(s, rank);
    }
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
  const bool are_few = std::min(total_count(ranges), most_read) < index.n_documents() / 64;
  std::vector<bool> seen(are_few ? 0 : index.n_documents());
  std::unordered_set<std::uint64_t> seen_few;
  const auto is_new = [&](std::uint64_t document) {
    if (are_few) return seen_few.insert(document).second;
    const std::uint64_t number = document - index.first_document(0);
    const bool was_seen = seen[number];
    seen[number] = true;
    return !was_seen;
  };
  for_each_read(ranges, most_read, seed, frame, [&](std::size_t s, Rank rank) {
    const Location location = location_of(index, s, index.shards()[s].position(rank));
    if (is_new(location.document)) documents.push_back(location);
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
