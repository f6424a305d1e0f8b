// One shard: a run of whole documents with its own suffix array, in a folder of section files.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/types.hpp"
#include "index/continuations.hpp"
#include "index/directory.hpp"
#include "index/sources.hpp"
#include "storage/section.hpp"
#include "suffix/suffix_sort.hpp"
#include "suffix/text.hpp"

namespace infgram {

struct SectionName {
  SectionKind kind;
  const char* file_name;
};

inline constexpr std::array<SectionName, 11> kSectionNames = {{
    {SectionKind::kTokens, "tokens.bin"},
    {SectionKind::kSuffixArray, "suffix_array.bin"},
    {SectionKind::kDocumentStarts, "document_starts.bin"},
    {SectionKind::kFirstTokenStarts, "first_token_starts.bin"},
    {SectionKind::kMetadata, "metadata.bin"},
    {SectionKind::kMetadataStarts, "metadata_starts.bin"},
    {SectionKind::kDirectory, "directory.bin"},
    {SectionKind::kContinuations, "continuations.bin"},
    {SectionKind::kStoredContexts, "stored_contexts.bin"},
    {SectionKind::kSources, "sources.bin"},
    {SectionKind::kSourceRuns, "source_runs.bin"},
}};

// How many of these a shard of a version has, from the first on. Without the directory it answers the same, more
// slowly; without sources it does not know where documents come from.
[[nodiscard]] constexpr std::size_t n_sections_of(std::uint32_t format_version) {
  return format_version == 1 ? 6 : format_version == 2 ? 9 : kSectionNames.size();
}

[[nodiscard]] constexpr const char* file_name_of(SectionKind kind) {
  for (const SectionName& name : kSectionNames) {
    if (name.kind == kind) return name.file_name;
  }
  return nullptr;
}

// What a section file says of itself, for the manifest.
struct SectionInfo {
  const char* file_name;
  std::uint64_t size_bytes;  // of the file, header and padding included
  std::uint64_t payload_checksum;
};

// The width that tokens of a vocabulary take: 8, 16 or 32 bits, one code being left for the separator.
// Throws QueryError when vocab_size is 0 or needs more than 32 bits.
[[nodiscard]] unsigned token_bits_for(std::uint64_t vocab_size);

// An open shard: owns the mappings, immutable, safe for concurrent readers. Views are valid as long as it lives.
// Every number read from disk is checked before it is used as a place; a bad one throws IndexDamagedError.
class Shard {
 public:
  // Opens the sections and checks that their headers belong together. With kRandom what every search reads (the
  // directory, the first tokens, the stored continuations) is kSoon; metadata is never more than kRandom.
  // Cost: O(1), a page a section; for kWarm and kMemory a pass over the files. Throws IndexDamagedError,
  // IndexVersionError, StorageError.
  [[nodiscard]] static Shard open(const std::filesystem::path& folder, Access access = Access::kRandom);

  [[nodiscard]] std::uint64_t n_tokens() const { return suffix_array_.size(); }
  [[nodiscard]] std::uint64_t n_documents() const { return document_starts_.size() - 1; }
  [[nodiscard]] std::uint64_t vocab_size() const { return first_token_starts_.size() - 1; }
  [[nodiscard]] unsigned token_bits() const { return text_.token_bits; }
  [[nodiscard]] const AnyText& text() const { return text_; }
  [[nodiscard]] const Directory& directory() const { return directory_; }
  [[nodiscard]] const Continuations& continuations() const { return continuations_; }

  // The text with its width. REQUIRES sizeof(Token) * 8 == token_bits().
  template <class Token>
  [[nodiscard]] Text<Token> typed_text() const {
    return {reinterpret_cast<const Token*>(text_.data), text_.size};
  }
  [[nodiscard]] std::vector<SectionInfo> sections() const;

  // The position `depth` tokens into the suffix with this rank. One random read.
  // REQUIRES rank < n_tokens(), and a suffix of at least `depth` tokens.
  [[nodiscard]] std::uint64_t position(std::uint64_t rank, std::uint64_t depth = 0) const {
    const std::uint64_t position = suffix_array_[rank] + depth;
    if (position >= text_.size) throw_bad_position(rank, position);
    return position;
  }

  // Where position(rank) is read, for a prefetch.
  [[nodiscard]] const void* address(std::uint64_t rank) const { return suffix_array_.address(rank); }

  // The suffixes that begin with this token; none if the shard's vocabulary ends before it.
  [[nodiscard]] SuffixRange first_token_range(TokenId token) const;

  // The document (numbered in this shard) that holds this position. Cost: O(log n_documents).
  // REQUIRES position.value < text().size.
  [[nodiscard]] std::uint64_t document_of(Position position) const;

  // The positions [begin, end) of a document's tokens, its separator excluded. REQUIRES document < n_documents().
  struct Span {
    std::uint64_t begin;
    std::uint64_t end;
  };
  [[nodiscard]] Span document_span(std::uint64_t document) const;

  // The document that holds a position, and its span, for positions that ascend: it is not before `from`.
  // Cost: O(log of the documents between). REQUIRES as document_of(), from < n_documents(). Throws IndexDamagedError
  // when the position lies outside all documents, on a separator.
  struct Holder {
    std::uint64_t document;
    Span span;
  };
  [[nodiscard]] Holder holder_of(Position position, std::uint64_t from) const;

  // Appends a document's token ids to `ids`.
  void read_document(std::uint64_t document, std::vector<std::int64_t>& ids) const;

  // A document's metadata as JSON; empty if it has none.
  [[nodiscard]] std::string_view metadata(std::uint64_t document) const;

  // The file and line that a document comes from; none in a shard of a version before 3. Cost: O(log of the runs).
  [[nodiscard]] std::optional<DocumentSource> source(std::uint64_t document) const;

  // Reads every byte: checksums, padding, documents, that the suffix array is complete and sorted, and that the
  // directory and the stored continuations are what follows from it. Reads what is open, whatever the path names now.
  // Throws IndexDamagedError. Cost: O(n), see suffix/verify.hpp. `progress` counts suffixes.
  void verify(const SortProgress& progress) const;

 private:
  [[nodiscard]] const Section& section(SectionKind kind) const;
  [[noreturn]] void throw_bad_position(std::uint64_t rank, std::uint64_t position) const;

  [[nodiscard]] bool has_directory() const { return sections_.size() >= n_sections_of(2); }
  [[nodiscard]] bool has_sources() const { return sections_.size() >= n_sections_of(3); }
  // The last document in [lo, hi) that starts at the position or before it, if `lo` does.
  [[nodiscard]] std::uint64_t document_between(Position position, std::uint64_t lo, std::uint64_t hi) const;
  void open_directory();
  void open_sources();
  void verify_directory(const SortProgress& progress) const;

  std::vector<Section> sections_;  // in the order of kSectionNames
  AnyText text_;
  PackedArray suffix_array_;
  PackedArray document_starts_;
  PackedArray first_token_starts_;
  PackedArray metadata_starts_;
  Directory directory_;
  Continuations continuations_;
  Sources sources_;
};

}  // namespace infgram
