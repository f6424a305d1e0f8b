// From suffix ranges to places and documents.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "query/random_sample.hpp"
#include "query/search.hpp"

namespace infgram {

// One occurrence: the document, numbered in the index, and the offset of the occurrence in it, in tokens.
struct Location {
  std::uint64_t document;
  std::uint64_t offset;
  bool operator==(const Location&) const = default;
};

// The first `limit` occurrences, in the order of their suffixes over all shards (equal suffixes by position).
// Cost: O(limit) array reads and document look-ups; with several shards also the comparison of their next suffixes.
[[nodiscard]] std::vector<Location> locate(const Index& index, std::span<const SuffixRange> ranges, std::size_t limit);

// A uniform sample without repeats of the documents that hold an occurrence: the `limit` of smallest priority, a
// pseudo-random number made of the seed and the document's number (splitmix64), ascending. The sample does not depend
// on how the corpus is cut into shards. Each is given at its first occurrence in suffix order.
// Of more occurrences than `most_read` so many, a uniform sample without repeats made of the seed, stand for all: then
// a document is the likelier to be found the more of them it holds, and the sample is that of these shards. The frame
// says which of the occurrences in a larger index are those of `ranges`; the sample is then one of all of them.
// Cost: one array read and document look-up an occurrence that is read; memory for the distinct documents.
[[nodiscard]] std::vector<Location> sampled_documents(const Index& index, std::span<const SuffixRange> ranges,
                                                      std::size_t limit, std::uint64_t seed, std::uint64_t most_read,
                                                      Frame frame);

}  // namespace infgram
