#include "index/shard.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <span>
#include <string>

#include "base/errors.hpp"
#include "index/survey.hpp"
#include "suffix/verify.hpp"

namespace infgram {
namespace {

bool ends_with_separator(const AnyText& text) {
  return text.visit([]<class Token>(Text<Token> typed) {
    return typed.size() > 0 && typed[typed.size() - 1] == Text<Token>::kSeparator;
  });
}

Access access_to(SectionKind kind, Access access) {
  switch (kind) {
    case SectionKind::kMetadata:
    case SectionKind::kMetadataStarts:
    case SectionKind::kSources:
    case SectionKind::kSourceRuns: return access == Access::kWarm ? Access::kRandom : access;
    case SectionKind::kFirstTokenStarts:
    case SectionKind::kDirectory:
    case SectionKind::kContinuations:
    case SectionKind::kStoredContexts:
    case SectionKind::kDocumentNumbers:
    case SectionKind::kRemovedDocuments:
    case SectionKind::kRemovedRanks: return access == Access::kRandom ? Access::kSoon : access;
    default: return access;
  }
}

// Lets the kernel read the sections ahead while this object lives.
class ReadInRuns {
 public:
  explicit ReadInRuns(std::span<const Section> sections) : sections_(sections) {
    for (const Section& section : sections_) section.expect(Access::kSequential);
  }
  ReadInRuns(const ReadInRuns&) = delete;
  ReadInRuns& operator=(const ReadInRuns&) = delete;
  ~ReadInRuns() {
    for (const Section& section : sections_) section.expect();
  }

 private:
  std::span<const Section> sections_;
};

}  // namespace

unsigned token_bits_for(std::uint64_t vocab_size) {
  if (vocab_size == 0 || vocab_size > 0xFFFFFFFF) {
    throw QueryError("cannot index a vocabulary of " + std::to_string(vocab_size) +
                     " tokens; expected 1 to 4294967295");
  }
  return vocab_size <= 0xFF ? 8 : vocab_size <= 0xFFFF ? 16 : 32;
}

SectionKind kind_of(const std::string& file_name) {
  for (const SectionName& section : kSectionNames) {
    if (file_name == section.file_name) return section.kind;
  }
  if (file_name == kDocumentNumbersName) return SectionKind::kDocumentNumbers;
  if (file_name.starts_with("removed_documents.")) return SectionKind::kRemovedDocuments;
  if (file_name.starts_with("removed_ranks.")) return SectionKind::kRemovedRanks;
  return SectionKind::kNone;
}

Shard Shard::open(const ShardState& state, Access access) {
  Shard shard;
  for (const auto& [kind, file_name] : kSectionNames) {
    if (!shard.sections_.empty() &&
        shard.sections_.size() == n_sections_of(shard.sections_.front().header().format_version)) {
      break;
    }
    shard.sections_.push_back(Section::open(state.folder / file_name, kind, access_to(kind, access)));
  }
  const Section& tokens = shard.section(SectionKind::kTokens);
  shard.text_ = {tokens.payload().data(), tokens.header().n_elements, tokens.header().element_bits};
  const unsigned bits = shard.text_.token_bits;
  if (bits != 8 && bits != 16 && bits != 32)
    tokens.damaged("has tokens of " + std::to_string(bits) + " bits; expected 8, 16 or 32");
  shard.suffix_array_ = SuffixArray(shard.section(SectionKind::kSuffixArray).packed());
  const PackedArray document_starts = shard.section(SectionKind::kDocumentStarts).packed();
  const PackedArray first_token_starts = shard.section(SectionKind::kFirstTokenStarts).packed();
  shard.metadata_starts_ = shard.section(SectionKind::kMetadataStarts).packed();

  for (const Section& section : shard.sections_) shard.check_belongs(section);
  const std::uint64_t n_starts = document_starts.size();
  if (n_starts < 2 || n_starts - 1 > shard.text_.size) {
    shard.section(SectionKind::kDocumentStarts).damaged("the number of documents does not match the tokens");
  }
  shard.document_starts_ = DocumentStarts(document_starts);
  shard.section(SectionKind::kSuffixArray).check_elements(shard.text_.size - shard.n_stored_documents());
  shard.section(SectionKind::kMetadataStarts).check_elements(n_starts);
  const std::uint64_t vocab_size = first_token_starts.size() - 1;  // wraps if the section is empty; rejected below
  if (vocab_size == 0 || vocab_size > 0xFFFFFFFF || token_bits_for(vocab_size) > bits) {
    shard.section(SectionKind::kFirstTokenStarts).damaged("the vocabulary does not fit the token width");
  }
  shard.first_tokens_ = FirstTokens(first_token_starts);
  if (!ends_with_separator(shard.text_)) tokens.damaged("the last document does not end with a separator");
  if (shard.has(SectionKind::kDirectory)) shard.open_directory();
  if (shard.has_sources()) shard.open_sources();
  shard.open_numbers(state, access);
  if (state.removals > 0) shard.open_removals(state, access);
  return shard;
}

void Shard::check_belongs(const Section& section) const {
  const Section& tokens = sections_.front();
  if (section.header().shard_checksum != tokens.header().payload_checksum) {
    section.damaged("does not belong to the tokens in " + tokens.path().string() + "; files were swapped");
  }
}

const Section& Shard::add_section(const std::filesystem::path& path, SectionKind kind, Access access) {
  sections_.push_back(Section::open(path, kind, access_to(kind, access)));
  check_belongs(sections_.back());
  return sections_.back();
}

const Section& Shard::add_unframed(const std::filesystem::path& path, SectionKind kind, unsigned bits,
                                   std::span<const std::byte> tail, Access access) {
  sections_.push_back(Section::open_unframed(path, kind, bits, tail, access_to(kind, access)));
  return sections_.back();
}

Shard Shard::open_infini_gram(const InfiniGramFiles& files, std::uint64_t first_document, std::uint64_t vocab_size,
                              Access access, std::size_t n_threads) {
  Shard shard;
  const auto add = [&](const char* name, SectionKind kind, unsigned bits, std::span<const std::byte> tail) {
    return std::cref(shard.add_unframed(files.path(name), kind, bits, tail, access));
  };
  std::array<std::byte, kPaddingBytes> padding;
  padding.fill(kPaddingByte);
  shard.sections_.reserve(kSectionNames.size());
  const Section& tokens = add("tokenized", SectionKind::kTokens, files.token_bits, padding);
  shard.text_ = {tokens.payload().data(), tokens.header().n_elements + 1, files.token_bits, true};
  const Section& table = add("table", SectionKind::kSuffixArray, 8, padding);

  // The end of the text follows the starts of the documents, in bytes as these.
  std::memcpy(padding.data(), &tokens.header().payload_bytes, sizeof(std::uint64_t));
  const Section& offset = add("offset", SectionKind::kDocumentStarts, 64, padding);
  const std::uint64_t n_documents = offset.header().n_elements;
  if (n_documents == 0 || n_documents > tokens.header().n_elements) {
    offset.damaged("holds " + std::to_string(n_documents) + " documents, expected 1 to the number of tokens in " +
                   tokens.path().string() + ", " + std::to_string(tokens.header().n_elements));
  }
  shard.document_starts_ =
      DocumentStarts(PackedArray::of_bytes(offset.payload().data(), n_documents + 1, sizeof(std::uint64_t),
                                           static_cast<unsigned>(std::countr_zero(files.token_bits / 8))),
                     1);
  shard.number_documents(first_document, n_documents);
  const Span last = shard.document_span(n_documents - 1);
  shard.suffix_array_ = suffix_array_of(table, shard.text_, n_documents, last.begin);
  shard.in_memory_ = read_tables(table, shard.text_, shard.suffix_array_, vocab_size, n_threads);
  shard.first_tokens_ = FirstTokens(std::span<const SuffixRange>(shard.in_memory_.first_tokens));
  shard.directory_ = Directory({shard.in_memory_.keys.data(), shard.in_memory_.keys.size()},
                               shard.in_memory_.n_top_keys, shard.in_memory_.step);
  if (files.has_metadata) shard.open_infini_gram_metadata(files, access);
  return shard;
}

void Shard::open_infini_gram_metadata(const InfiniGramFiles& files, Access access) {
  std::array<std::byte, kPaddingBytes> padding{};
  const Section& metadata = add_unframed(files.path("metadata"), SectionKind::kMetadata, 8, padding, access);
  std::memcpy(padding.data(), &metadata.header().payload_bytes, sizeof(std::uint64_t));
  const Section& metaoff = add_unframed(files.path("metaoff"), SectionKind::kMetadataStarts, 64, padding, access);
  metaoff.check_elements(n_stored_documents());
  metadata_starts_ =
      PackedArray::of_bytes(metaoff.payload().data(), n_stored_documents() + 1, sizeof(std::uint64_t), 0);
  const auto text = metadata.payload();
  const auto is_line_end = [&](std::uint64_t at) { return text[at] == std::byte{'\n'}; };
  // Some versions of infini-gram count characters instead of bytes. Both agree for the last line only if they agree for
  // all lines.
  const std::uint64_t begin = metadata_starts_[n_stored_documents() - 1];
  const bool is_last_line =
      begin < text.size() && (begin == 0 || is_line_end(begin - 1)) &&
      std::ranges::find(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), std::byte{'\n'}) + 1 ==
          text.end();
  if (is_last_line) return;
  std::vector<std::uint64_t>& starts = in_memory_.line_starts;
  starts.push_back(0);
  for (std::uint64_t at = 0; at < text.size(); ++at) {
    if (is_line_end(at)) starts.push_back(at + 1);
  }
  if (starts.size() != n_stored_documents() + 1 || starts.back() != text.size()) {
    metadata.damaged("holds " + std::to_string(starts.size() - 1) + " lines, expected one for each of " +
                     std::to_string(n_stored_documents()) + " documents");
  }
  metadata_starts_ =
      PackedArray::of_bytes(reinterpret_cast<const std::byte*>(starts.data()), starts.size(), sizeof(std::uint64_t), 0);
}

void Shard::set_vocab_size(std::uint64_t vocab_size) {
  in_memory_.set_vocab_size(vocab_size, text_);
  first_tokens_ = FirstTokens(std::span<const SuffixRange>(in_memory_.first_tokens));
}

void Shard::open_directory() {
  const Section& directory = section(SectionKind::kDirectory);
  directory.check_elements(n_top_keys(n_suffixes()) + n_sampled_keys(n_suffixes()));
  if (directory.header().element_bits != 64) directory.damaged("the keys are not 64 bits wide");
  const auto keys = directory.payload();
  directory_ = Directory({reinterpret_cast<const std::uint64_t*>(keys.data()), keys.size() / sizeof(std::uint64_t)},
                         n_top_keys(n_suffixes()));

  const Section& contexts = section(SectionKind::kStoredContexts);
  if (contexts.header().n_elements % kStoredContextFields != 0) contexts.damaged("the last context is incomplete");
  continuations_ =
      Continuations(contexts.packed(), section(SectionKind::kContinuations).payload(), vocab_size(), contexts.path());
}

void Shard::open_sources() {
  const Section& runs = section(SectionKind::kSourceRuns);
  const std::uint64_t n = runs.header().n_elements;
  if (n == 0 || n % kSourceRunFields != 0) runs.damaged("holds no run of documents, or an incomplete one");
  sources_ = Sources(runs.packed(), section(SectionKind::kSources).payload());
}

bool Shard::has(SectionKind kind) const {
  return std::ranges::any_of(sections_, [&](const Section& section) { return section.header().kind == kind; });
}

// What has no file of its own was computed from the suffix array.
const Section& Shard::section(SectionKind kind) const {
  const auto of_kind = [](const Section& section) { return section.header().kind; };
  const auto found = std::ranges::find(sections_, kind, of_kind);
  return found != sections_.end() ? *found : *std::ranges::find(sections_, SectionKind::kSuffixArray, of_kind);
}

std::vector<SectionInfo> Shard::sections() const {
  std::vector<SectionInfo> infos;
  for (const Section& section : sections_) {
    const SectionHeader& header = section.header();
    infos.push_back({section.path().filename().string(), sizeof(SectionHeader) + header.payload_bytes + kPaddingBytes,
                     header.payload_checksum});
  }
  return infos;
}

SuffixRange Shard::first_token_range(TokenId token) const {
  if (token >= vocab_size()) return {n_suffixes(), n_suffixes()};
  const SuffixRange range = first_tokens_[token];
  if (range.lo > range.hi || range.hi > n_suffixes()) {
    section(SectionKind::kFirstTokenStarts)
        .damaged("the ranks of token " + std::to_string(token) + " are out of range");
  }
  return range;
}

std::uint64_t Shard::document_between(Position position, std::uint64_t lo, std::uint64_t hi) const {
  while (hi - lo > 1) {
    const std::uint64_t middle = lo + (hi - lo) / 2;
    (document_starts_[middle] <= position ? lo : hi) = middle;
  }
  return lo;
}

Shard::Span Shard::document_span(std::uint64_t document) const {
  const std::uint64_t begin = document_starts_[document];
  const std::uint64_t end = document_starts_[document + 1];
  if (begin >= end || end > text_.size) {
    section(SectionKind::kDocumentStarts)
        .damaged("the start of document " + std::to_string(document) + " is out of range");
  }
  return {begin, end - 1};
}

Shard::ContainingDocument Shard::containing_document(Position position, std::uint64_t from) const {
  std::uint64_t step = 1;
  while (step < n_stored_documents() - from && document_starts_[from + step] <= position) {
    from += step;
    step *= 2;
  }
  return checked_containing(position, document_between(position, from, std::min(from + step, n_stored_documents())));
}

Shard::ContainingDocument Shard::containing_document(Position position) const {
  return checked_containing(position, document_between(position, 0, n_stored_documents()));
}

Shard::ContainingDocument Shard::checked_containing(Position position, std::uint64_t document) const {
  const Span span = document_span(document);
  if (position < span.begin || position >= span.end) {
    throw_not_in_document(position, document);
  }
  return {document, span};
}

void Shard::read_tokens(Span span, std::vector<std::int64_t>& ids) const {
  text_.visit_by_token_id([&]<class Token>(Text<Token> text) {
    const Token* const begin = text.data() + span.begin;
    const Token* const end = text.data() + span.end;
    Token largest = 0;  // in a loop of its own, which becomes vector instructions
    for (const Token* token = begin; token < end; ++token) largest = std::max(largest, *token);
    if (largest >= vocab_size()) {
      const Token* const bad = std::find(begin, end, largest);
      if (bad != end) throw_bad_token(span.begin + static_cast<std::uint64_t>(bad - begin), largest);
    }
    ids.insert(ids.end(), begin, end);
  });
}

std::string_view Shard::metadata(std::uint64_t document) const {
  if (metadata_starts_.size() == 0) return {};
  const auto bytes = section(SectionKind::kMetadata).payload();
  const std::uint64_t begin = metadata_starts_[document];
  const std::uint64_t end = metadata_starts_[document + 1];
  if (begin > end || end > bytes.size()) {
    section(SectionKind::kMetadataStarts)
        .damaged("the metadata of document " + std::to_string(document) + " is out of range");
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + begin, end - begin);
  return is_infini_gram() && text.ends_with('\n') ? text.substr(0, text.size() - 1) : text;
}

std::optional<DocumentSource> Shard::source(std::uint64_t document) const {
  if (!has_sources()) return std::nullopt;
  const auto source = sources_.of(document);
  if (!source) {
    section(SectionKind::kSourceRuns)
        .damaged("the source of document " + std::to_string(document) + " is out of range");
  }
  return source;
}

void Shard::check_pages() const {
  for (const Section& section : sections_) section.check_pages();
}

void Shard::verify(const SortProgress& progress) const {
  const ReadInRuns in_runs(sections_);
  for (const Section& section : sections_) section.verify();
  for (std::uint64_t document = 0; document < n_stored_documents(); ++document) static_cast<void>(metadata(document));
  if (has_sources()) {
    if (const auto fault = sources_.fault(n_stored_documents())) section(SectionKind::kSourceRuns).damaged(*fault);
  }
  if (const auto fault = find_fault(progress)) section(SectionKind::kSuffixArray).damaged(*fault);
  if (has(SectionKind::kDirectory)) verify_directory(progress);
  verify_numbers();
  if (has_removals()) verify_removals(progress);
}

std::optional<std::string> Shard::find_fault(const SortProgress& progress) const {
  if (!is_infini_gram()) {
    return find_suffix_array_fault(text_, suffix_array_, first_tokens_, document_starts_, nullptr, progress);
  }
  if (const auto fault = find_pointer_fault(section(SectionKind::kSuffixArray), text_)) return fault;
  const PackedArray separators = separators_of(section(SectionKind::kSuffixArray), text_, n_stored_documents());
  return find_suffix_array_fault(text_, suffix_array_, first_tokens_, document_starts_, &separators, progress);
}

void Shard::verify_directory(const SortProgress& progress) const {
  const Survey expected =
      survey(text_, suffix_array_.stored(), first_tokens_.starts(), 1, [&](std::uint64_t) { progress(n_suffixes()); });
  const auto check = [this](SectionKind kind, bool is_as_expected) {
    if (!is_as_expected) section(kind).damaged("does not match the suffix array; rebuild the index");
  };
  const auto equals = [this](SectionKind kind, std::span<const std::byte> bytes) {
    return std::ranges::equal(section(kind).payload(), bytes);
  };
  check(SectionKind::kDirectory, equals(SectionKind::kDirectory, std::as_bytes(std::span(expected.directory))));
  check(SectionKind::kContinuations, equals(SectionKind::kContinuations, expected.continuations));
  check(SectionKind::kStoredContexts, std::ranges::equal(continuations_.contexts(), expected.contexts));
}

void Shard::throw_beyond_text(Position position) const {
  section(SectionKind::kTokens).damaged("a document does not end before position " + std::to_string(position));
}

void Shard::throw_bad_token(Position position, NextTokenId token) const {
  section(SectionKind::kTokens)
      .damaged("position " + std::to_string(position) + " holds token " + std::to_string(token) +
               ", which is not in the vocabulary of " + std::to_string(vocab_size()) + " tokens");
}

void Shard::throw_bad_next_token(Rank rank, std::uint64_t depth, TokenCode found) const {
  if (found <= vocab_size()) throw_not_in_order(rank);
  const Position at = position(rank, depth);
  text_.visit([&]<class Token>(Text<Token>) { static_cast<void>(code<Token>(at)); });
  section(SectionKind::kDirectory)
      .damaged("the key of rank " + std::to_string(rank) + " holds token " + std::to_string(next_token_of(found)) +
               ", which is not in the vocabulary of " + std::to_string(vocab_size()) + " tokens");
}

void Shard::throw_not_in_order(Rank rank) const {
  section(SectionKind::kSuffixArray).damaged("the suffixes near rank " + std::to_string(rank) + " are not in order");
}

void Shard::throw_not_in_document(Position position, std::uint64_t document) const {
  section(SectionKind::kSuffixArray)
      .damaged("holds position " + std::to_string(position) + ", which is not a token of document " +
               std::to_string(document));
}

void Shard::throw_bad_position(Rank rank, Position position) const {
  section(SectionKind::kSuffixArray)
      .damaged("rank " + std::to_string(rank) + " holds position " + std::to_string(position) + ", beyond the text");
}

}  // namespace infgram
