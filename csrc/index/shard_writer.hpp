// Writes a shard: first its documents, then its suffix array and what follows from it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "index/sources.hpp"
#include "storage/section.hpp"
#include "suffix/suffix_sort.hpp"

namespace infgram {

// Receives documents in order, and writes the sections that do not depend on the suffix array. Memory: 16 bytes per
// document, 24 per run of documents of one file, 16 per vocabulary entry, and the writers' buffers. Not thread-safe.
class ShardWriter {
 public:
  // `folder` must exist. token_bits is 8, 16 or 32, and at least token_bits_for(vocab_size). Throws QueryError for an
  // invalid vocab_size or width, StorageError.
  ShardWriter(const std::filesystem::path& folder, std::uint64_t vocab_size, unsigned token_bits);

  // Appends a document, possibly empty. `metadata` is JSON or empty. Throws QueryError if an id is not below vocab_size
  // or the source's name contains a zero byte (the document is then not added), StorageError.
  void add_document(std::span<const TokenId> token_ids, std::string_view metadata, const DocumentSource& source = {});

  [[nodiscard]] std::uint64_t n_tokens() const { return n_tokens_; }
  [[nodiscard]] std::uint64_t n_documents() const { return document_starts_.size() - 1; }

  // Writes the remaining sections and publishes the files. No document may be added afterwards. `document_numbers` are
  // the numbers of the documents in the index; if they are empty, they are consecutive, and need no section. Throws
  // QueryError unless there is one number per document and they ascend, StorageError. REQUIRES n_documents() > 0.
  void finish(std::span<const std::uint64_t> document_numbers = {});

 private:
  std::filesystem::path folder_;
  std::uint64_t vocab_size_;
  unsigned token_bits_;
  SectionWriter tokens_;
  SectionWriter metadata_;
  std::uint64_t n_tokens_ = 0;
  std::uint64_t metadata_bytes_ = 0;
  std::vector<std::uint64_t> document_starts_ = {0};
  std::vector<std::uint64_t> metadata_starts_ = {0};
  SourceRuns sources_;
  std::vector<std::uint64_t> token_counts_;
  std::vector<std::byte> encoded_;
};

// Writes values as a packed section of a shard's folder, `bits` wide. Throws StorageError.
void write_packed(const std::filesystem::path& file, SectionKind kind, std::span<const std::uint64_t> values,
                  unsigned bits, std::uint64_t shard_checksum);

// Writes the suffix array and the directory of a shard whose documents are finished. Cost and options:
// suffix/suffix_sort.hpp, index/survey.hpp. Throws IndexDamagedError if the sections do not belong together or hold
// tokens outside the vocabulary, StorageError, and what `progress` throws.
void sort_shard(const std::filesystem::path& folder, const SuffixSortOptions& options, const SortProgress& progress);

}  // namespace infgram
