// The files of an index that infini-gram made, and what a shard needs besides them.
//
// tokenized  the tokens of all documents, a separator before each document
// table      for every token, separators included, its place in `tokenized`: byte pointers of k bytes, in the order of
//            the bytes from there to the end of the file
// offset     the byte of `tokenized` at which the separator of each document is: 8 bytes each
// metadata   optional: one line of JSON per document
// metaoff    optional: the byte of `metadata` at which each line begins: 8 bytes each
//
// Everything is little-endian. So the text of a shard is `tokenized` and one more separator; the first document begins
// at position 1; suffixes are ordered by the bytes of their tokens (suffix/text.hpp), and those that begin with a
// separator are the last ones. One thing differs: where infini-gram compares with the end of the file, the shorter
// suffix comes first, although the end of a document comes last. This concerns suffixes of the last document that also
// occur elsewhere; find_pieces() puts them in their places.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/large_array.hpp"
#include "base/types.hpp"
#include "index/directory.hpp"
#include "storage/section.hpp"
#include "suffix/suffix_array.hpp"
#include "suffix/text.hpp"

namespace infgram {

// The files of one shard are named folder/tokenized + suffix, …: ".0", ".1", … if a folder holds several, or none.
struct InfiniGramFiles {
  std::filesystem::path folder;
  std::string suffix;
  unsigned token_bits = 0;
  bool has_metadata = false;

  [[nodiscard]] std::filesystem::path path(const char* name) const { return folder / (name + suffix); }
};

// What is computed when a shard is opened, and kept in memory.
struct InfiniGramTables {
  std::vector<SuffixRange> first_tokens;   // by token id; an empty range is where its suffixes would be
  LargeArray<std::uint64_t> keys;          // of the directory: its top level, then the keys
  std::uint64_t n_top_keys = 0;            // of these
  std::uint64_t step = 0;                  // of the directory
  std::vector<std::uint64_t> line_starts;  // of the metadata, if `metaoff` does not hold them

  // Adds ranges for tokens that do not occur. REQUIRES vocab_size >= first_tokens.size().
  void set_vocab_size(std::uint64_t vocab_size, const AnyText& text);
};

// Returns `table` as positions, separators included. Throws IndexDamagedError if it has no whole pointer per token.
[[nodiscard]] PackedArray pointers_of(const Section& table, const AnyText& text);

// Returns the part of `table` that holds separators.
[[nodiscard]] PackedArray separators_of(const Section& table, const AnyText& text, std::uint64_t n_documents);

// Returns a description of the first pointer that does not point to a token, or nothing. Cost: one pass.
[[nodiscard]] std::optional<std::string> find_pointer_fault(const Section& table, const AnyText& text);

// Returns the suffix array that `table` holds: without the separators, and with the suffixes at the end of the text in
// their places. Cost: three searches by bisection for every suffix of the last document that is followed by a token
// elsewhere. Throws IndexDamagedError where suffixes are seen not to be sorted.
[[nodiscard]] SuffixArray suffix_array_of(const Section& table, const AnyText& text, std::uint64_t n_documents,
                                          Position last_document);

// Computes the ranges of first tokens, and the directory: the keys of every 64th suffix, or fewer, so that there are at
// most kMostSampledKeys. With a `vocab_size` of 0 it follows from the tokens, which must then be below 2^20.
// Cost: two random reads per key, many in flight; O(d log(n / d)) for d distinct tokens. Memory: the result. Throws
// IndexDamagedError where suffixes are seen not to be sorted, TokenizerError for tokens beyond the vocabulary.
inline constexpr std::uint64_t kMostSampledKeys = std::uint64_t{1} << 22;
[[nodiscard]] InfiniGramTables read_tables(const Section& table, const AnyText& text, const SuffixArray& suffix_array,
                                           std::uint64_t vocab_size, std::size_t n_threads);

}  // namespace infgram
