#include "index/index.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/errors.hpp"

namespace infgram {

Index Index::open(std::span<const std::filesystem::path> folders, Access access, std::uint64_t first_document) {
  Index index;
  index.first_documents_.push_back(first_document);
  for (const auto& folder : folders) index.add(Shard::open(folder, access));
  return index;
}

Index Index::open_infini_gram(std::span<const InfiniGramFiles> shards, std::uint64_t vocab_size, Access access,
                              std::size_t n_threads) {
  Index index;
  index.first_documents_.push_back(0);
  for (const auto& files : shards) index.add(Shard::open_infini_gram(files, vocab_size, access, n_threads));
  for (Shard& shard : index.shards_) shard.set_vocab_size(index.vocab_size_);
  return index;
}

void Index::add(Shard shard) {
  if (!shards_.empty() && shard.token_bits() != shards_.front().token_bits()) {
    throw IndexDamagedError(shard.folder().string() + " has tokens of " + std::to_string(shard.token_bits()) +
                            " bits, but the shards before it have " + std::to_string(shards_.front().token_bits()));
  }
  vocab_size_ = std::max(vocab_size_, shard.vocab_size());
  n_tokens_ += shard.n_tokens();
  first_documents_.push_back(first_documents_.back() + shard.n_documents());
  shards_.push_back(std::move(shard));
}

Index::ShardDocument Index::locate_document(std::uint64_t document) const {
  if (document < first_documents_.front() || document >= first_documents_.back()) {
    throw QueryError("there is no document " + std::to_string(document) + "; the index holds " +
                     std::to_string(first_documents_.front()) + " to " + std::to_string(first_documents_.back() - 1));
  }
  const auto next = std::ranges::upper_bound(first_documents_, document);
  const auto shard = static_cast<std::size_t>(next - first_documents_.begin()) - 1;
  return {shard, document - first_documents_[shard]};
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
    n_before += shard.n_tokens();
  }
}

}  // namespace infgram
