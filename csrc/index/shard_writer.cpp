#include "index/shard_writer.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>

#include "base/errors.hpp"
#include "index/directory_writer.hpp"
#include "index/shard.hpp"
#include "storage/folder.hpp"

namespace infgram {
namespace {

void write_values(const std::filesystem::path& folder, SectionKind kind, std::span<const std::uint64_t> values,
                  std::uint64_t shard_checksum) {
  write_packed(folder / file_name_of(kind), kind, values, packed_bits(std::ranges::max(values)), shard_checksum);
}

template <StoredToken Token>
void encode(std::span<const TokenId> ids, std::vector<std::byte>& bytes) {
  bytes.resize((ids.size() + 1) * sizeof(Token));
  auto* out = bytes.data();
  const auto put = [&out](Token token) {
    std::memcpy(out, &token, sizeof token);
    out += sizeof token;
  };
  for (const TokenId id : ids) put(static_cast<Token>(id));
  put(Text<Token>::kSeparator);
}

unsigned checked_token_bits(std::uint64_t vocab_size, unsigned token_bits) {
  const bool is_width = token_bits == 8 || token_bits == 16 || token_bits == 32;
  if (is_width && token_bits >= token_bits_for(vocab_size)) return token_bits;
  throw QueryError("a vocabulary of " + std::to_string(vocab_size) + " tokens needs at least " +
                   std::to_string(token_bits_for(vocab_size)) + " bits per token (8, 16 or 32), not " +
                   std::to_string(token_bits));
}

void check_numbers(std::span<const std::uint64_t> numbers, std::uint64_t n_documents) {
  if (numbers.size() != n_documents) {
    throw QueryError("there are " + std::to_string(numbers.size()) + " document numbers for " +
                     std::to_string(n_documents) + " documents");
  }
  const auto fault = std::ranges::adjacent_find(numbers, std::ranges::greater_equal());
  if (fault != numbers.end()) throw QueryError("document number " + std::to_string(*fault) + " does not ascend");
  if (packed_bits(numbers.back()) > kMaxPackedBits) {
    throw QueryError("document number " + std::to_string(numbers.back()) + " needs more than 57 bits");
  }
}

// Checks what the sorter relies on: the tokens are ids of the vocabulary and separators, and end with a separator.
void check_text(const Section& tokens, const Section& first_token_starts) {
  const std::uint64_t vocab_size = first_token_starts.header().n_elements - 1;  // wraps if the section is empty
  const unsigned bits = tokens.header().element_bits;
  if (first_token_starts.header().shard_checksum != tokens.header().payload_checksum) {
    first_token_starts.damaged("does not belong to the tokens in " + tokens.path().string() + "; files were swapped");
  }
  if (vocab_size == 0 || vocab_size > 0xFFFFFFFF || token_bits_for(vocab_size) > bits) {
    first_token_starts.damaged("the vocabulary is empty or too large");
  }
  AnyText{tokens.payload().data(), tokens.header().n_elements, bits}.visit_by_token_id(
      [&]<class Token>(Text<Token> text) {
        Token largest = 0;  // the largest code; a separator has code 0
        for (Position position = 0; position < text.size(); ++position) {
          largest = std::max(largest, static_cast<Token>(text[position] + 1));
        }
        if (largest > vocab_size) {
          tokens.damaged("holds token " + std::to_string(next_token_of(largest)) +
                         ", which is not in the vocabulary of " + std::to_string(vocab_size) + " tokens");
        }
        if (text.size() == 0 || text[text.size() - 1] != Text<Token>::kSeparator) {
          tokens.damaged("the last document does not end with a separator");
        }
      });
}

}  // namespace

void write_packed(const std::filesystem::path& file, SectionKind kind, std::span<const std::uint64_t> values,
                  unsigned bits, std::uint64_t shard_checksum) {
  SectionWriter writer(file, kind);
  BitPacker packer(writer, bits);
  for (const std::uint64_t value : values) packer.append(value);
  writer.finish(packer.finish(), bits, shard_checksum);
}

ShardWriter::ShardWriter(const std::filesystem::path& folder, std::uint64_t vocab_size, unsigned token_bits)
    : folder_(folder),
      vocab_size_(vocab_size),
      token_bits_(checked_token_bits(vocab_size, token_bits)),
      tokens_(folder / file_name_of(SectionKind::kTokens), SectionKind::kTokens),
      metadata_(folder / file_name_of(SectionKind::kMetadata), SectionKind::kMetadata),
      token_counts_(vocab_size) {}

void ShardWriter::add_document(std::span<const TokenId> token_ids, std::string_view metadata,
                               const DocumentSource& source) {
  for (std::size_t i = 0; i < token_ids.size(); ++i) {
    if (token_ids[i] >= vocab_size_) {
      throw QueryError("document " + std::to_string(n_documents()) + " has token id " + std::to_string(token_ids[i]) +
                       " at offset " + std::to_string(i) + ", outside the vocabulary of " +
                       std::to_string(vocab_size_) + " tokens");
    }
  }
  sources_.append(source);
  for (const TokenId id : token_ids) ++token_counts_[id];
  switch (token_bits_) {
    case 8: encode<std::uint8_t>(token_ids, encoded_); break;
    case 16: encode<std::uint16_t>(token_ids, encoded_); break;
    default: encode<std::uint32_t>(token_ids, encoded_); break;
  }
  tokens_.append(encoded_);
  metadata_.append(std::as_bytes(std::span(metadata)));
  n_tokens_ += token_ids.size();
  metadata_bytes_ += metadata.size();
  document_starts_.push_back(n_tokens_ + document_starts_.size());
  metadata_starts_.push_back(metadata_bytes_);
}

void ShardWriter::finish(std::span<const std::uint64_t> document_numbers) {
  const bool is_consecutive = document_numbers.empty();
  if (!is_consecutive) check_numbers(document_numbers, n_documents());
  const std::uint64_t checksum = tokens_.payload_checksum();
  tokens_.finish(n_tokens_ + n_documents(), token_bits_, checksum);
  metadata_.finish(metadata_bytes_, 8, checksum);
  write_values(folder_, SectionKind::kDocumentStarts, document_starts_, checksum);
  write_values(folder_, SectionKind::kMetadataStarts, metadata_starts_, checksum);
  SectionWriter names(folder_ / file_name_of(SectionKind::kSources), SectionKind::kSources);
  names.append(std::as_bytes(std::span(sources_.names())));
  names.finish(sources_.names().size(), 8, checksum);
  write_values(folder_, SectionKind::kSourceRuns, sources_.runs(), checksum);

  if (!is_consecutive) {
    write_packed(folder_ / kDocumentNumbersName, SectionKind::kDocumentNumbers, document_numbers,
                 packed_bits(document_numbers.back()), checksum);
  }

  std::vector<std::uint64_t> first_token_starts = {0};
  for (const std::uint64_t count : token_counts_) first_token_starts.push_back(first_token_starts.back() + count);
  write_values(folder_, SectionKind::kFirstTokenStarts, first_token_starts, checksum);
  sync_folder(folder_);
}

void sort_shard(const std::filesystem::path& folder, const SuffixSortOptions& options, const SortProgress& progress) {
  const auto open = [&](SectionKind kind) {
    return Section::open(folder / file_name_of(kind), kind, Access::kSequential);
  };
  const Section tokens = open(SectionKind::kTokens);
  const Section first_token_starts = open(SectionKind::kFirstTokenStarts);
  check_text(tokens, first_token_starts);

  const AnyText text{tokens.payload().data(), tokens.header().n_elements, tokens.header().element_bits};
  const auto largest_id = static_cast<TokenId>(first_token_starts.header().n_elements - 2);
  const unsigned bits = packed_bits(text.size - 1);

  SectionWriter writer(folder / file_name_of(SectionKind::kSuffixArray), SectionKind::kSuffixArray);
  BitPacker packer(writer, bits);
  const SuffixSink sink = [&packer](std::span<const std::uint64_t> positions) {
    for (const Position position : positions) packer.append(position);
  };
  sort_suffixes(text, largest_id, options, sink, progress);
  writer.finish(packer.finish(), bits, tokens.header().shard_checksum);
  write_directory(folder, options.n_threads, [&](std::uint64_t) { progress(text.size); });
  sync_folder(folder);
}

}  // namespace infgram
