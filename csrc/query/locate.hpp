// Turns suffix ranges into documents and offsets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/random_sample.hpp"
#include "query/search.hpp"

namespace infgram {

// An occurrence: its document (numbered in the index) and its offset in the document, in tokens.
struct Location {
  std::uint64_t document;
  std::uint64_t offset;
  bool operator==(const Location&) const = default;
};

// Returns the first `limit` occurrences in suffix order over all shards (equal suffixes by position). Cost: O(limit)
// array reads and document look-ups; with several shards also comparisons of suffixes.
[[nodiscard]] std::vector<Location> locate(const Index& index, std::span<const SuffixRange> ranges, std::size_t limit);

// Returns a uniform sample without replacement of the documents that contain an occurrence, each with its first
// occurrence in suffix order: the `limit` documents of smallest priority, ascending. The priority is a pseudo-random
// function of the seed and the document number (splitmix64), so the sample does not depend on how the corpus is divided
// into shards.
// If there are more than `most_read` occurrences, a uniform sample of `most_read` of them, drawn with the seed, is read
// instead. Documents with more occurrences are then more likely to be found, and the sample depends on the shards. In a
// part of a larger index, `frame` places the occurrences of `ranges` among those of all parts.
// Cost: one array read and document look-up per occurrence read; memory for the distinct documents.
[[nodiscard]] std::vector<Location> sampled_documents(const Index& index, std::span<const SuffixRange> ranges,
                                                      std::size_t limit, std::uint64_t seed, std::uint64_t most_read,
                                                      Frame frame);

}  // namespace infgram
