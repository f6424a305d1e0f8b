// An open index: the union of its shards.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "index/shard.hpp"

namespace infgram {

// Owns its shards. Immutable and safe for any number of reading threads.
// Documents are numbered through the shards in order, from `first_document` on: an index may be a part of a larger one,
// whose numbers its documents have.
class Index {
 public:
  // Opens the shards in the given folders. Cost and `access`: Shard::open. Throws as Shard::open, and
  // IndexDamagedError when the shards differ in token width. REQUIRES at least one folder.
  [[nodiscard]] static Index open(std::span<const std::filesystem::path> folders, Access access = Access::kRandom,
                                  std::uint64_t first_document = 0);

  [[nodiscard]] std::span<const Shard> shards() const { return shards_; }
  [[nodiscard]] std::uint64_t n_tokens() const { return n_tokens_; }
  [[nodiscard]] std::uint64_t n_documents() const { return first_documents_.back() - first_documents_.front(); }
  // That of the shard with the largest vocabulary; indexes whose tokenizers differ in special tokens make a union.
  [[nodiscard]] std::uint64_t vocab_size() const { return vocab_size_; }

  // The number in the index of a shard's first document.
  [[nodiscard]] std::uint64_t first_document(std::size_t shard) const { return first_documents_[shard]; }

  // The shard that holds a document, and its number there. Throws QueryError when there is no such document.
  struct ShardDocument {
    std::size_t shard;
    std::uint64_t document;
  };
  [[nodiscard]] ShardDocument locate_document(std::uint64_t document) const;

  // Throws QueryError, naming the first id that is outside the vocabulary.
  void check_tokens(std::span<const TokenId> tokens) const;

  // Checks every shard, see Shard::verify. `progress` counts the suffixes of all of them.
  void verify(const SortProgress& progress) const;

 private:
  std::vector<Shard> shards_;
  std::vector<std::uint64_t> first_documents_;  // and the number behind the last document's
  std::uint64_t n_tokens_ = 0;
  std::uint64_t vocab_size_ = 0;
};

}  // namespace infgram
