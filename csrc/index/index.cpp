#include "index/index.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/errors.hpp"

namespace infgram {

Index Index::open(std::span<const ShardState> shards, Access access) {
  Index index;
  for (const ShardState& state : shards) index.add(Shard::open(state, access));
  return index;
}

Index Index::open_infini_gram(std::span<const InfiniGramFiles> shards, std::uint64_t vocab_size, Access access,
                              std::size_t n_threads) {
  Index index;
  std::uint64_t first_document = 0;
  for (const auto& files : shards) {
    index.add(Shard::open_infini_gram(files, first_document, vocab_size, access, n_threads));
    first_document = index.shards_.back().end_document();
  }
  for (Shard& shard : index.shards_) shard.set_vocab_size(index.vocab_size_);
  return index;
}

void Index::add(Shard shard) {
  if (!shards_.empty() && shard.token_bits() != shards_.front().token_bits()) {
    throw IndexDamagedError(shard.folder().string() + " has tokens of " + std::to_string(shard.token_bits()) +
                            " bits, but the shards before it have " + std::to_string(shards_.front().token_bits()));
  }
  const std::uint64_t end_document = shards_.empty() ? 0 : shards_.back().end_document();
  if (shard.first_document() < end_document) {
    throw IndexDamagedError("the documents of " + shard.folder().string() + " are numbered from " +
                            std::to_string(shard.first_document()) + " on, but those of the shards before it up to " +
                            std::to_string(end_document - 1));
  }
  vocab_size_ = std::max(vocab_size_, shard.vocab_size());
  n_tokens_ += shard.n_tokens();
  n_documents_ += shard.n_documents();
  has_removals_ = has_removals_ || shard.has_removals();
  shards_.push_back(std::move(shard));
}

std::vector<std::int64_t> Index::document_ids(std::uint64_t begin, std::uint64_t limit) const {
  std::vector<std::int64_t> ids;
  for (const Shard& shard : shards_) {
    for (std::uint64_t d = shard.first_document_from(begin); d < shard.n_stored_documents(); ++d) {
      if (ids.size() == limit) return ids;
      if (!shard.is_removed(d)) ids.push_back(static_cast<std::int64_t>(shard.document_number(d)));
    }
  }
  return ids;
}

Index::ShardDocument Index::locate_document(std::uint64_t document) const {
  const std::uint64_t first = shards_.front().first_document();
  const std::uint64_t end = shards_.back().end_document();
  if (document >= end) {
    const std::string held = n_documents() == 0 ? "none" : std::to_string(first) + " to " + std::to_string(end - 1);
    throw QueryError("there is no document " + std::to_string(document) + "; the index holds " + held);
  }
  if (document >= first) {
    const auto next = std::ranges::upper_bound(shards_, document, {}, &Shard::first_document);
    const auto shard = static_cast<std::size_t>(next - shards_.begin()) - 1;
    const std::uint64_t in_shard = shards_[shard].first_document_from(document);
    const bool is_there = in_shard < shards_[shard].n_stored_documents() &&
                          shards_[shard].document_number(in_shard) == document && !shards_[shard].is_removed(in_shard);
    if (is_there) return {shard, in_shard};
  }
  throw QueryError("document " + std::to_string(document) + " was deleted");
}

void Index::check_tokens(std::span<const TokenId> tokens) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= vocab_size()) {
      throw QueryError("token id " + std::to_string(tokens[i]) + " at place " + std::to_string(i) +
                       " is outside the vocabulary of " + std::to_string(vocab_size()) + " tokens");
    }
  }
}

void Index::check_pages() const {
  if (!TruncationGuard::any_lost_pages()) return;
  for (const Shard& shard : shards_) shard.check_pages();
}

void Index::throw_bad_counts() const {
  const std::string others =
      shards_.size() > 1 ? " or one of the other " + std::to_string(shards_.size() - 1) + " shards" : "";
  throw IndexDamagedError(shards_.front().folder().string() + others +
                          ": the counts of a context and of its next tokens differ; verify the index to find the file");
}

void Index::verify(const SortProgress& progress) const {
  std::uint64_t n_before = 0;
  for (const Shard& shard : shards_) {
    shard.verify([&](std::uint64_t n_done) { progress(n_before + n_done); });
    n_before += shard.n_suffixes();
  }
}

}  // namespace infgram
