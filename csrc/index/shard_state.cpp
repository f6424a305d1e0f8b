// What the state of an index adds to a shard: the numbers of its documents, and which are removed.
#include <algorithm>
#include <string>

#include "base/bisection.hpp"
#include "base/errors.hpp"
#include "base/large_array.hpp"
#include "index/shard.hpp"

namespace infgram {

std::string removed_documents_name(std::uint64_t generation) {
  return "removed_documents." + std::to_string(generation) + ".bin";
}

std::string removed_ranks_name(std::uint64_t generation) {
  return "removed_ranks." + std::to_string(generation) + ".bin";
}

void Shard::open_numbers(const ShardState& state, Access access) {
  std::uint64_t span = n_stored_documents();
  if (state.has_numbers) {
    const Section& numbers = add_section(state.folder / kDocumentNumbersName, SectionKind::kDocumentNumbers, access);
    numbers.check_elements(n_stored_documents());
    document_numbers_ = numbers.packed();
    const std::uint64_t first = document_numbers_[0];
    const std::uint64_t last = document_numbers_[n_stored_documents() - 1];
    if (last < first || last - first + 1 < n_stored_documents()) numbers.damaged("the numbers do not ascend");
    span = last - first + 1;
  }
  number_documents(state.first_document, span);
}

void Shard::number_documents(std::uint64_t first, std::uint64_t span) {
  if (first >= kDocumentNumberLimit || span > kDocumentNumberLimit - first) {
    throw IndexDamagedError(folder().string() + ": the documents are numbered beyond 2^62");
  }
  first_document_ = first;
  end_document_ = first + span;
}

void Shard::open_removals(const ShardState& state, Access access) {
  const Section& documents =
      add_section(state.folder / removed_documents_name(state.removals), SectionKind::kRemovedDocuments, access);
  removed_documents_ = documents.packed();
  std::uint64_t n_suffixes_removed = 0;
  for (std::uint64_t i = 0, next = 0; i < removed_documents_.size(); ++i) {
    const std::uint64_t document = removed_documents_[i];
    if (document < next || document >= n_stored_documents()) {
      documents.damaged("document " + std::to_string(document) + " does not ascend or is not in the shard");
    }
    next = document + 1;
    const auto [begin, end] = document_span(document);
    n_suffixes_removed += end - begin;
  }
  const Section& ranks =
      add_section(state.folder / removed_ranks_name(state.removals), SectionKind::kRemovedRanks, access);
  ranks.check_elements(n_suffixes_removed);
  removed_ranks_ = RemovedRanks(ranks, n_suffixes());
}

bool Shard::is_removed(std::uint64_t document) const {
  const std::uint64_t place =
      bisect(0, removed_documents_.size(), [&](std::uint64_t i) { return removed_documents_[i] < document; });
  return place < removed_documents_.size() && removed_documents_[place] == document;
}

std::uint64_t Shard::stored_number(std::uint64_t document) const {
  const std::uint64_t number = first_document_ + (document_numbers_[document] - document_numbers_[0]);
  if (number < first_document_ || number >= end_document_) {
    section(SectionKind::kDocumentNumbers)
        .damaged("the number of document " + std::to_string(document) + " is out of range");
  }
  return number;
}

std::uint64_t Shard::first_document_from(std::uint64_t number) const {
  if (number <= first_document_) return 0;
  if (document_numbers_.size() == 0) return std::min(number - first_document_, n_stored_documents());
  return bisect(0, n_stored_documents(), [&](std::uint64_t document) { return stored_number(document) < number; });
}

void Shard::verify_numbers() const {
  for (std::uint64_t document = 1; document < document_numbers_.size(); ++document) {
    if (document_numbers_[document - 1] < document_numbers_[document]) continue;
    section(SectionKind::kDocumentNumbers)
        .damaged("the number of document " + std::to_string(document) + " does not ascend");
  }
}

void Shard::verify_removals(const SortProgress& progress) const {
  const std::vector<Rank> expected =
      ranks_by_pass(*this, values_of(removed_documents_), [&](std::uint64_t) { progress(n_suffixes()); });
  for (std::uint64_t i = 0; i < expected.size(); ++i) {
    if (removed_ranks_.ranks()[i] == expected[i]) continue;
    section(SectionKind::kRemovedRanks)
        .damaged("holds rank " + std::to_string(removed_ranks_.ranks()[i]) + ", expected " +
                 std::to_string(expected[i]) + " from the removed documents");
  }
}

void Shard::throw_incomplete() const {
  section(SectionKind::kSuffixArray).damaged("does not hold each position of some documents once");
}

std::vector<Rank> ranks_by_pass(const Shard& shard, std::span<const std::uint64_t> documents,
                                const SortProgress& progress) {
  constexpr std::uint64_t kStep = std::uint64_t{1} << 16;  // suffixes between two calls of `progress`
  LargeArray<std::uint64_t> marks(shard.text().size / 64 + 1);
  std::uint64_t n_marked = 0;
  for (const std::uint64_t document : documents) {
    const auto [begin, end] = shard.document_span(document);
    n_marked += end - begin;
    for (Position position = begin; position < end; ++position) {
      marks[position / 64] |= std::uint64_t{1} << (position % 64);
    }
  }
  std::vector<Rank> ranks;
  ranks.reserve(n_marked);
  for (Rank lo = 0; lo < shard.n_suffixes(); lo += kStep) {
    progress(lo);
    for (Rank rank = lo; rank < std::min(lo + kStep, shard.n_suffixes()); ++rank) {
      const Position position = shard.position(rank);
      if ((marks[position / 64] >> (position % 64) & 1) != 0) ranks.push_back(rank);
    }
  }
  if (ranks.size() != n_marked) shard.throw_incomplete();
  return ranks;
}

}  // namespace infgram
