#include "index/directory_writer.hpp"

#include <algorithm>

#include "index/shard.hpp"
#include "index/survey.hpp"

namespace infgram {
namespace {

void write_contexts(SectionWriter& writer, const Survey& found, std::uint64_t shard_checksum) {
  std::uint64_t largest = found.continuations.size();
  for (const StoredContext& context : found.contexts) largest = std::max({largest, context.hi, context.depth});
  const unsigned bits = packed_bits(largest);
  BitPacker packer(writer, bits);
  for (const auto& [lo, hi, depth, offset] : found.contexts) {
    for (const std::uint64_t value : {lo, hi, depth, offset}) packer.append(value);
  }
  writer.finish(packer.finish(), bits, shard_checksum);
}

}  // namespace

void write_directory(const std::filesystem::path& folder, std::size_t n_threads, const SortProgress& progress) {
  const auto open = [&](SectionKind kind) {
    return Section::open(folder / file_name_of(kind), kind, Access::kSequential);
  };
  const Section tokens = open(SectionKind::kTokens);
  const Section suffix_array = open(SectionKind::kSuffixArray);
  const Section first_token_starts = open(SectionKind::kFirstTokenStarts);
  const AnyText text{tokens.payload().data(), tokens.header().n_elements, tokens.header().element_bits};
  const Survey found = survey(text, suffix_array.packed(), first_token_starts.packed(), n_threads, progress);

  const std::uint64_t checksum = tokens.header().shard_checksum;
  const auto create = [&](SectionKind kind) { return SectionWriter(folder / file_name_of(kind), kind); };
  SectionWriter keys = create(SectionKind::kDirectory);
  keys.append(std::as_bytes(std::span(found.directory)));
  keys.finish(found.directory.size(), 64, checksum);
  SectionWriter continuations = create(SectionKind::kContinuations);
  continuations.append(found.continuations);
  continuations.finish(found.continuations.size(), 8, checksum);
  SectionWriter contexts = create(SectionKind::kStoredContexts);
  write_contexts(contexts, found, checksum);
}

}  // namespace infgram
