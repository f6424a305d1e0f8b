#include "query/removal.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "base/errors.hpp"
#include "index/shard_writer.hpp"
#include "query/search.hpp"
#include "query/search_batch.hpp"
#include "storage/folder.hpp"

namespace infgram {
namespace {

constexpr std::uint64_t kSearched = 64;         // the most tokens of a suffix that are searched for
constexpr std::uint64_t kReadsOfASearch = 256;  // a search takes as long as a pass over this many suffixes
constexpr std::size_t kBatch = 512;             // searches whose state fits the cache
constexpr std::uint64_t kPollEvery = 1 << 16;

using Spans = std::vector<Shard::Span>;

std::uint64_t total_size(const Spans& spans) {
  std::uint64_t size = 0;
  for (const auto& [begin, end] : spans) size += end - begin;
  return size;
}

// Returns the ranges of the suffixes that begin with the first kSearched tokens of a suffix in the spans, or are equal
// to a shorter one; ascending and disjoint, since the end of the document belongs to a shorter pattern.
template <StoredToken Token>
ShardRanges similar_suffixes(const Shard& shard, const Spans& spans) {
  const Text<Token> text = shard.typed_text<Token>();
  ShardRanges found;
  std::vector<PatternSearch<Token>> searches;
  const auto flush = [&] {
    const std::size_t n_before = found.size();
    found.resize(n_before + searches.size());
    insert_all<Token>(searches);
    extend_all<Token>(searches, found.data() + n_before);
    searches.clear();
  };
  for (const auto& [begin, end] : spans) {
    for (Position position = begin; position < end; ++position) {
      const std::uint64_t size = std::min(kSearched, end + 1 - position);  // with the separator
      searches.push_back(search_in(shard, Pattern<Token>{text.data() + position, size}));
      if (searches.size() == kBatch) flush();
    }
  }
  flush();
  std::ranges::sort(found, {}, &SuffixRange::lo);
  const auto repeated = std::ranges::unique(found);
  found.erase(repeated.begin(), repeated.end());
  return found;
}

// Returns the ranks in the ranges whose suffixes begin in the spans.
std::vector<Rank> ranks_inside(const Shard& shard, const ShardRanges& ranges, const Spans& spans,
                               const SortProgress& progress) {
  std::vector<Rank> ranks;
  std::uint64_t n_read = 0;
  for (const SuffixRange& range : ranges) {
    for (Rank rank = range.lo; rank < range.hi; ++rank) {
      if (++n_read % kPollEvery == 0) progress(n_read);
      const Position position = shard.position(rank);
      const auto next = std::ranges::upper_bound(spans, position, {}, &Shard::Span::begin);
      if (next != spans.begin() && position < std::prev(next)->end) ranks.push_back(rank);
    }
  }
  return ranks;
}

void check(const Shard& shard, std::span<const std::uint64_t> documents, std::uint64_t generation) {
  if (generation == 0) throw QueryError("a removal needs a generation of 1 or more");
  if (documents.empty()) throw QueryError("there are no documents to remove");
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (i > 0 && documents[i] <= documents[i - 1]) {
      throw QueryError("the documents to remove do not ascend: " + std::to_string(documents[i]) + " follows " +
                       std::to_string(documents[i - 1]));
    }
  }
  if (documents.back() >= shard.n_stored_documents()) {
    throw QueryError("there is no document " + std::to_string(documents.back()) + " in " + shard.folder().string() +
                     ", which holds " + std::to_string(shard.n_stored_documents()));
  }
}

// Like ranks_of_documents(), but does not search for what is removed already.
std::vector<Rank> ranks_beside_known(const Shard& shard, std::span<const std::uint64_t> documents,
                                     const SortProgress& progress) {
  const auto known = values_of(shard.removed_documents());
  if (!std::ranges::includes(documents, known)) return ranks_of_documents(shard, documents, progress);
  std::vector<std::uint64_t> added;
  std::ranges::set_difference(documents, known, std::back_inserter(added));
  std::vector<Rank> ranks;
  std::ranges::merge(values_of(shard.removed_ranks().ranks()), ranks_of_documents(shard, added, progress),
                     std::back_inserter(ranks));
  return ranks;
}

}  // namespace

std::vector<Rank> ranks_of_documents(const Shard& shard, std::span<const std::uint64_t> documents,
                                     const SortProgress& progress) {
  Spans spans;
  for (const std::uint64_t document : documents) spans.push_back(shard.document_span(document));
  if (total_size(spans) * kReadsOfASearch > shard.n_suffixes()) return ranks_by_pass(shard, documents, progress);
  std::ranges::sort(spans, {}, &Shard::Span::begin);
  const ShardRanges ranges =
      shard.text().visit([&]<class Token>(Text<Token>) { return similar_suffixes<Token>(shard, spans); });
  std::uint64_t n_similar = 0;
  for (const SuffixRange& range : ranges) n_similar += range.size();
  if (n_similar > shard.n_suffixes()) return ranks_by_pass(shard, documents, progress);
  std::vector<Rank> ranks = ranks_inside(shard, ranges, spans, progress);
  if (ranks.size() != total_size(spans)) shard.throw_incomplete();
  return ranks;
}

Removal write_removals(const ShardState& state, std::span<const std::uint64_t> documents, std::uint64_t generation,
                       const SortProgress& progress) {
  const Shard shard = Shard::open(state);
  check(shard, documents, generation);
  const std::vector<Rank> ranks = ranks_beside_known(shard, documents, progress);
  const std::uint64_t checksum = shard.checksum();
  write_packed(state.folder / removed_documents_name(generation), SectionKind::kRemovedDocuments, documents,
               packed_bits(shard.n_stored_documents() - 1), checksum);
  write_packed(state.folder / removed_ranks_name(generation), SectionKind::kRemovedRanks, ranks,
               packed_bits(shard.text().size - 1), checksum);
  sync_folder(state.folder);
  return {documents.size(), ranks.size()};
}

}  // namespace infgram
