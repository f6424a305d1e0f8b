// A shard: consecutive documents with their own suffix array, in a folder of section files.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/concepts.hpp"
#include "base/types.hpp"
#include "index/continuations.hpp"
#include "index/directory.hpp"
#include "index/infini_gram.hpp"
#include "index/removed_ranks.hpp"
#include "index/sources.hpp"
#include "storage/section.hpp"
#include "suffix/document_starts.hpp"
#include "suffix/first_tokens.hpp"
#include "suffix/suffix_array.hpp"
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

// The number of sections of a format version: the first ones of kSectionNames. Without the directory (version 1)
// searches are slower; without sources (version 2) the origin of documents is unknown.
[[nodiscard]] constexpr std::size_t n_sections_of(std::uint32_t format_version) {
  return format_version == 1 ? 6 : format_version == 2 ? 9 : kSectionNames.size();
}

[[nodiscard]] constexpr const char* file_name_of(SectionKind kind) {
  for (const SectionName& name : kSectionNames) {
    if (name.kind == kind) return name.file_name;
  }
  return nullptr;
}

// The sections of a shard that belong to the state of an index that was changed: the numbers of the documents, and
// what a generation of the index has removed.
inline constexpr const char* kDocumentNumbersName = "document_numbers.bin";
[[nodiscard]] std::string removed_documents_name(std::uint64_t generation);
[[nodiscard]] std::string removed_ranks_name(std::uint64_t generation);

// Returns the kind of the section in a file of this name; kNone if it is not the name of a section.
[[nodiscard]] SectionKind kind_of(const std::string& file_name);

// Which files make up a shard, and how its documents are numbered in the index: from `first_document` on, consecutively
// or, with `has_numbers`, with the gaps of document_numbers.bin.
struct ShardState {
  std::filesystem::path folder;
  std::uint64_t first_document = 0;
  std::uint64_t removals = 0;  // the generation in the names of the removal files; 0 if no document is removed
  bool has_numbers = false;
};

// Document numbers are below this.
inline constexpr std::uint64_t kDocumentNumberLimit = std::uint64_t{1} << 62;

// The size and checksum of a section file, for the manifest.
struct SectionInfo {
  std::string file_name;
  std::uint64_t size_bytes;  // of the file, with header and padding
  std::uint64_t payload_checksum;
};

// Returns the token width for a vocabulary: 8, 16 or 32 bits, with one value reserved for the separator. Throws
// QueryError if vocab_size is 0 or does not fit 32 bits.
[[nodiscard]] unsigned token_bits_for(std::uint64_t vocab_size);

// An open shard. Owns the mappings; views are valid as long as it lives. Immutable; safe for concurrent readers. The
// files are untrusted: every number from disk, a token included, is checked before it is used as an index or returned;
// an invalid one throws IndexDamagedError. Numbers that are valid but wrong give wrong answers. typed_text(), text()
// and directory() are for comparisons, which are safe for any content; a token to keep comes from code().
//
// Removed documents stay in all sections but those of the removal (index/removed_ranks.hpp). What this class calls
// suffixes and stored documents includes them, n_tokens() and n_documents() do not.
class Shard {
 public:
  // Opens the sections and checks that they belong together. With kRandom, the sections that every search reads
  // (directory, first tokens, stored continuations) are opened as kSoon; metadata and sources are not loaded ahead with
  // kWarm. Cost: O(1), one page per section, and one pass over the removal; for kWarm and kMemory one pass over the
  // files. Throws IndexDamagedError, IndexVersionError, StorageError.
  [[nodiscard]] static Shard open(const ShardState& state, Access access = Access::kRandom);

  // Opens the files of an index that infini-gram made, in place (index/infini_gram.hpp). With a `vocab_size` of 0 the
  // vocabulary ends with the largest token id that occurs. Cost: index/infini_gram.hpp, on `n_threads` threads; for
  // kWarm and kMemory also one pass over the files. Throws IndexDamagedError for files that are truncated, do not
  // belong together, or are seen not to be sorted; TokenizerError for a token beyond the vocabulary; StorageError.
  [[nodiscard]] static Shard open_infini_gram(const InfiniGramFiles& files, std::uint64_t first_document,
                                              std::uint64_t vocab_size, Access access, std::size_t n_threads);
  // Adds tokens that do not occur to the vocabulary. REQUIRES is_infini_gram(), vocab_size >= vocab_size().
  void set_vocab_size(std::uint64_t vocab_size);

  [[nodiscard]] std::filesystem::path folder() const { return sections_.front().path().parent_path(); }
  [[nodiscard]] std::uint64_t n_tokens() const { return n_suffixes() - removed_ranks_.size(); }
  [[nodiscard]] std::uint64_t n_documents() const { return n_stored_documents() - removed_documents_.size(); }
  [[nodiscard]] std::uint64_t n_suffixes() const { return suffix_array_.size(); }
  [[nodiscard]] std::uint64_t n_stored_documents() const { return document_starts_.n_documents(); }
  [[nodiscard]] std::uint64_t vocab_size() const { return first_tokens_.vocab_size(); }
  [[nodiscard]] unsigned token_bits() const { return text_.token_bits; }
  [[nodiscard]] const AnyText& text() const { return text_; }
  // The checksum of the tokens, which is in all files of the shard.
  [[nodiscard]] std::uint64_t checksum() const { return sections_.front().header().payload_checksum; }
  [[nodiscard]] const Directory& directory() const { return directory_; }
  [[nodiscard]] const Continuations& continuations() const { return continuations_; }

  // REQUIRES sizeof(Token) * 8 == token_bits().
  template <StoredToken Token>
  [[nodiscard]] Text<Token> typed_text() const {
    return text_.typed<Token>();
  }
  [[nodiscard]] std::vector<SectionInfo> sections() const;

  [[nodiscard]] bool has_removals() const { return removed_documents_.size() > 0; }
  [[nodiscard]] const RemovedRanks& removed_ranks() const { return removed_ranks_; }
  // The numbers in the shard of the removed documents, ascending.
  [[nodiscard]] const PackedArray& removed_documents() const { return removed_documents_; }
  // Whether a document is removed. Cost: O(log of the removed documents). REQUIRES document < n_stored_documents().
  [[nodiscard]] bool is_removed(std::uint64_t document) const;

  // The number of live suffixes in a range, and the ranks of these. Cost: index/removed_ranks.hpp; one branch if
  // nothing is removed. REQUIRES range.hi <= n_suffixes().
  [[nodiscard]] std::uint64_t live_count(SuffixRange range) const { return range.size() - n_removed(range); }
  [[nodiscard]] LiveRanks live_ranks(SuffixRange range) const { return {removed_ranks_, range}; }
  [[nodiscard]] std::uint64_t n_removed(SuffixRange range) const {
    if (removed_ranks_.empty()) return 0;
    const std::uint64_t n = removed_ranks_.n_before(range.hi) - removed_ranks_.n_before(range.lo);
    return n <= range.size() ? n : range.size();  // a file that lost its pages (storage/truncation.hpp) shows anything
  }
  // The rank of a suffix among the live ones, as queries return it, and the converse. Cost: O(log of the removed ones).
  // REQUIRES rank <= n_suffixes() and live_rank < n_tokens().
  [[nodiscard]] std::uint64_t live_rank(Rank rank) const { return rank - removed_ranks_.n_before(rank); }
  [[nodiscard]] Rank rank_of_live(std::uint64_t live_rank) const {
    return std::min(removed_ranks_.nth_live(live_rank), n_suffixes() - 1);
  }

  // The numbers of the shard's documents in the index are in [first_document(), end_document()), ascending.
  [[nodiscard]] std::uint64_t first_document() const { return first_document_; }
  [[nodiscard]] std::uint64_t end_document() const { return end_document_; }
  // Returns the number of a document in the index. REQUIRES document < n_stored_documents(). Throws IndexDamagedError
  // for a number outside the range.
  [[nodiscard]] std::uint64_t document_number(std::uint64_t document) const {
    return document_numbers_.size() == 0 ? first_document_ + document : stored_number(document);
  }
  // Returns the first document whose number in the index is not below `number`, or n_stored_documents().
  // Cost: O(log n_stored_documents()).
  [[nodiscard]] std::uint64_t first_document_from(std::uint64_t number) const;

  // Returns the position `depth` tokens into the suffix at this rank. Cost: one random read. REQUIRES rank <
  // n_suffixes(), and a suffix of at least `depth` tokens. Throws IndexDamagedError.
  [[nodiscard]] Position position(Rank rank, std::uint64_t depth = 0) const {
    const Position position = suffix_array_[rank] + depth;
    if (position >= text_.size) throw_bad_position(rank, position);
    return position;
  }

  // Returns the code of the token at a position, at most vocab_size(). REQUIRES sizeof(Token) * 8 == token_bits().
  // Throws IndexDamagedError, also for a position beyond the text.
  template <StoredToken Token>
  [[nodiscard]] TokenCode code(Position position) const {
    if (position >= text_.size) throw_beyond_text(position);
    const TokenCode code = code_of_lane<Token>(lane_of(typed_text<Token>()[position]));
    if (code > vocab_size()) throw_bad_token(position, next_token_of(code));
    return code;
  }

  // Throws IndexDamagedError for a suffix that cannot be followed, after `depth` tokens, by the code `found`.
  [[noreturn]] void throw_bad_next_token(Rank rank, std::uint64_t depth, TokenCode found) const;
  // Throws IndexDamagedError for suffixes that were found where the order of the suffix array allows none.
  [[noreturn]] void throw_not_in_order(Rank rank) const;
  // Throws IndexDamagedError for a suffix array that lacks positions, or holds some twice.
  [[noreturn]] void throw_incomplete() const;
  // Throws IndexDamagedError for a position that should be in a document.
  [[noreturn]] void throw_not_in_document(Position position, std::uint64_t document) const;

  // The address that position(rank) reads, for prefetching.
  [[nodiscard]] const void* address(Rank rank) const { return suffix_array_.address(rank); }

  // The suffixes that begin with this token; empty if the id is outside the shard's vocabulary.
  [[nodiscard]] SuffixRange first_token_range(TokenId token) const;

  // The positions [begin, end) of a document's tokens, without its separator. REQUIRES document <
  // n_stored_documents().
  struct Span {
    Position begin;
    Position end;
  };
  [[nodiscard]] Span document_span(std::uint64_t document) const;

  // Returns the document that contains a position, and its span. For ascending positions: the search starts at document
  // `from`, which must not be after the result. Cost: O(log of the documents passed). REQUIRES position < text().size,
  // from < n_stored_documents(). Throws IndexDamagedError if the position is that of a separator. Without `from` the
  // cost is O(log n_stored_documents).
  struct ContainingDocument {
    std::uint64_t document;
    Span span;
  };
  [[nodiscard]] ContainingDocument containing_document(Position position, std::uint64_t from) const;
  [[nodiscard]] ContainingDocument containing_document(Position position) const;

  // Appends the token ids at the positions of a span inside one document. REQUIRES span.begin <= span.end <=
  // text().size. Throws IndexDamagedError.
  void read_tokens(Span span, std::vector<std::int64_t>& ids) const;

  // The metadata of a document as JSON; empty if there is none.
  [[nodiscard]] std::string_view metadata(std::uint64_t document) const;

  // The file and line that a document comes from; nothing in a shard of a version before 3, or of infini-gram. Cost:
  // O(log runs).
  [[nodiscard]] std::optional<DocumentSource> source(std::uint64_t document) const;

  // Whether infini-gram made the files. Then the metadata of a document contain its file and line.
  [[nodiscard]] bool is_infini_gram() const { return text_.is_bytewise; }

  // Throws IndexDamagedError if pages of a file were lost since it was opened. Cost: one load per file.
  void check_pages() const;

  // Checks every byte: checksums, padding, documents, that the suffix array is complete and sorted, that the directory
  // and the stored continuations follow from it, and that the removed ranks are those of the removed documents. Checks
  // the open files, even if the path has been replaced.
  // Cost: O(n), see suffix/verify.hpp. `progress` receives the number of suffixes. Throws IndexDamagedError.
  void verify(const SortProgress& progress) const;

 private:
  [[nodiscard]] const Section& section(SectionKind kind) const;
  [[noreturn]] void throw_bad_position(Rank rank, Position position) const;
  [[noreturn]] void throw_beyond_text(Position position) const;
  [[noreturn]] void throw_bad_token(Position position, NextTokenId token) const;

  [[nodiscard]] bool has(SectionKind kind) const;
  [[nodiscard]] bool has_sources() const { return has(SectionKind::kSources); }
  [[nodiscard]] std::uint64_t stored_number(std::uint64_t document) const;
  // Returns the last document in [lo, hi) that starts at or before the position. REQUIRES that `lo` does.
  [[nodiscard]] std::uint64_t document_between(Position position, std::uint64_t lo, std::uint64_t hi) const;
  [[nodiscard]] ContainingDocument checked_containing(Position position, std::uint64_t document) const;
  void check_belongs(const Section& section) const;
  const Section& add_section(const std::filesystem::path& path, SectionKind kind, Access access);
  const Section& add_unframed(const std::filesystem::path& path, SectionKind kind, unsigned bits,
                              std::span<const std::byte> tail, Access access);
  void open_directory();
  void open_sources();
  void open_numbers(const ShardState& state, Access access);
  void open_removals(const ShardState& state, Access access);
  void verify_directory(const SortProgress& progress) const;
  void verify_numbers() const;
  void verify_removals(const SortProgress& progress) const;
  void number_documents(std::uint64_t first, std::uint64_t span);
  void open_infini_gram_metadata(const InfiniGramFiles& files, Access access);
  [[nodiscard]] std::optional<std::string> find_fault(const SortProgress& progress) const;

  std::vector<Section> sections_;  // the tokens first; those of the state last
  AnyText text_;
  SuffixArray suffix_array_;
  DocumentStarts document_starts_;
  FirstTokens first_tokens_;
  PackedArray metadata_starts_;
  InfiniGramTables in_memory_;  // what the views above look into, if no section holds it
  Directory directory_;
  Continuations continuations_;
  Sources sources_;
  std::uint64_t first_document_ = 0;
  std::uint64_t end_document_ = 0;
  PackedArray document_numbers_;  // empty if they are consecutive
  PackedArray removed_documents_;
  RemovedRanks removed_ranks_;
};

// Returns the ranks of the suffixes of some documents, ascending, by one pass over the suffix array. Memory: one bit
// per token of the shard, and the result. REQUIRES documents below n_stored_documents(). Throws IndexDamagedError if
// the suffix array does not hold each of their positions once.
[[nodiscard]] std::vector<Rank> ranks_by_pass(const Shard& shard, std::span<const std::uint64_t> documents,
                                              const SortProgress& progress);

}  // namespace infgram
