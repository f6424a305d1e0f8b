#include "index/shard.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string>

#include "base/errors.hpp"
#include "index/survey.hpp"
#include "suffix/verify.hpp"

namespace infgram {
namespace {

constexpr std::size_t place_of(SectionKind kind) {
  for (std::size_t i = 0; i < kSectionNames.size(); ++i) {
    if (kSectionNames[i].kind == kind) return i;
  }
  return kSectionNames.size();
}

void check_elements(const Section& section, std::uint64_t expected) {
  const std::uint64_t found = section.header().n_elements;
  if (found != expected) {
    section.damaged("holds " + std::to_string(found) + " elements, expected " + std::to_string(expected) +
                    " from the other files of its shard; files were swapped");
  }
}

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
    case SectionKind::kStoredContexts: return access == Access::kRandom ? Access::kSoon : access;
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

Shard Shard::open(const std::filesystem::path& folder, Access access) {
  Shard shard;
  for (const auto& [kind, file_name] : kSectionNames) {
    if (!shard.sections_.empty() &&
        shard.sections_.size() == n_sections_of(shard.sections_.front().header().format_version)) {
      break;
    }
    shard.sections_.push_back(Section::open(folder / file_name, kind, access_to(kind, access)));
  }
  const Section& tokens = shard.section(SectionKind::kTokens);
  shard.text_ = {tokens.payload().data(), tokens.header().n_elements, tokens.header().element_bits};
  const unsigned bits = shard.text_.token_bits;
  if (bits != 8 && bits != 16 && bits != 32)
    tokens.damaged("has tokens of " + std::to_string(bits) + " bits; expected 8, 16 or 32");
  shard.suffix_array_ = shard.section(SectionKind::kSuffixArray).packed();
  shard.document_starts_ = shard.section(SectionKind::kDocumentStarts).packed();
  shard.first_token_starts_ = shard.section(SectionKind::kFirstTokenStarts).packed();
  shard.metadata_starts_ = shard.section(SectionKind::kMetadataStarts).packed();

  for (const Section& section : shard.sections_) {
    if (section.header().shard_checksum != tokens.header().payload_checksum) {
      section.damaged("does not belong to the tokens in " + tokens.path().string() + "; files were swapped");
    }
  }
  const std::uint64_t n_starts = shard.document_starts_.size();
  if (n_starts < 2 || n_starts - 1 > shard.text_.size) {
    shard.section(SectionKind::kDocumentStarts).damaged("the number of documents does not match the tokens");
  }
  check_elements(shard.section(SectionKind::kSuffixArray), shard.text_.size - shard.n_documents());
  check_elements(shard.section(SectionKind::kMetadataStarts), n_starts);
  const std::uint64_t vocab_size =
      shard.first_token_starts_.size() - 1;  // wraps if the section is empty; rejected below
  if (vocab_size == 0 || vocab_size > 0xFFFFFFFF || token_bits_for(vocab_size) > bits) {
    shard.section(SectionKind::kFirstTokenStarts).damaged("the vocabulary does not fit the token width");
  }
  if (!ends_with_separator(shard.text_)) tokens.damaged("the last document does not end with a separator");
  if (shard.has_directory()) shard.open_directory();
  if (shard.has_sources()) shard.open_sources();
  return shard;
}

void Shard::open_directory() {
  const Section& directory = section(SectionKind::kDirectory);
  check_elements(directory, n_top_keys(n_tokens()) + n_sampled_keys(n_tokens()));
  if (directory.header().element_bits != 64) directory.damaged("the keys are not 64 bits wide");
  const auto keys = directory.payload();
  directory_ =
      Directory({reinterpret_cast<const std::uint64_t*>(keys.data()), keys.size() / sizeof(std::uint64_t)}, n_tokens());

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

const Section& Shard::section(SectionKind kind) const { return sections_[place_of(kind)]; }

std::vector<SectionInfo> Shard::sections() const {
  std::vector<SectionInfo> infos;
  for (std::size_t i = 0; i < sections_.size(); ++i) {
    const SectionHeader& header = sections_[i].header();
    infos.push_back({kSectionNames[i].file_name, sizeof(SectionHeader) + header.payload_bytes + kPaddingBytes,
                     header.payload_checksum});
  }
  return infos;
}

SuffixRange Shard::first_token_range(TokenId token) const {
  if (token >= vocab_size()) return {n_tokens(), n_tokens()};
  const SuffixRange range{first_token_starts_[token], first_token_starts_[std::uint64_t{token} + 1]};
  if (range.lo > range.hi || range.hi > n_tokens()) {
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
  while (step < n_documents() - from && document_starts_[from + step] <= position) {
    from += step;
    step *= 2;
  }
  return checked_containing(position, document_between(position, from, std::min(from + step, n_documents())));
}

Shard::ContainingDocument Shard::containing_document(Position position) const {
  return checked_containing(position, document_between(position, 0, n_documents()));
}

Shard::ContainingDocument Shard::checked_containing(Position position, std::uint64_t document) const {
  const Span span = document_span(document);
  if (position < span.begin || position >= span.end) {
    throw_not_in_document(position, document);
  }
  return {document, span};
}

void Shard::read_tokens(Span span, std::vector<std::int64_t>& ids) const {
  text_.visit([&]<class Token>(Text<Token> text) {
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
  const auto bytes = section(SectionKind::kMetadata).payload();
  const std::uint64_t begin = metadata_starts_[document];
  const std::uint64_t end = metadata_starts_[document + 1];
  if (begin > end || end > bytes.size()) {
    section(SectionKind::kMetadataStarts)
        .damaged("the metadata of document " + std::to_string(document) + " is out of range");
  }
  return {reinterpret_cast<const char*>(bytes.data()) + begin, end - begin};
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
  for (std::uint64_t document = 0; document < n_documents(); ++document) static_cast<void>(metadata(document));
  if (has_sources()) {
    if (const auto fault = sources_.fault(n_documents())) section(SectionKind::kSourceRuns).damaged(*fault);
  }
  if (const auto fault =
          find_suffix_array_fault(text_, suffix_array_, first_token_starts_, document_starts_, progress)) {
    section(SectionKind::kSuffixArray).damaged(*fault);
  }
  if (has_directory()) verify_directory(progress);
}

void Shard::verify_directory(const SortProgress& progress) const {
  const Survey expected =
      survey(text_, suffix_array_, first_token_starts_, 1, [&](std::uint64_t) { progress(n_tokens()); });
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
