// An open index: the union of its shards.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "index/shard.hpp"

namespace infgram {

// Owns its shards. Immutable; safe for concurrent readers. Documents are numbered across the shards in order, starting
// at `first_document`, so that an index can be a part of a larger one and use its document numbers.
class Index {
 public:
  // Opens the shards in the given folders. Cost, `access` and errors: Shard::open; throws IndexDamagedError also if the
  // shards differ in token width. REQUIRES at least one folder.
  [[nodiscard]] static Index open(std::span<const std::filesystem::path> folders, Access access = Access::kRandom,
                                  std::uint64_t first_document = 0);

  // Opens shards that infini-gram made, in place; their vocabulary is the largest of all. Cost and errors:
  // Shard::open_infini_gram. REQUIRES at least one shard.
  [[nodiscard]] static Index open_infini_gram(std::span<const InfiniGramFiles> shards, std::uint64_t vocab_size,
                                              Access access, std::size_t n_threads);

  [[nodiscard]] std::span<const Shard> shards() const { return shards_; }
  [[nodiscard]] std::uint64_t n_tokens() const { return n_tokens_; }
  [[nodiscard]] std::uint64_t n_documents() const { return first_documents_.back() - first_documents_.front(); }
  // The largest vocabulary of all shards. (Tokenizers that differ only in special tokens can share an index.)
  [[nodiscard]] std::uint64_t vocab_size() const { return vocab_size_; }

  // The number of a shard's first document.
  [[nodiscard]] std::uint64_t first_document(std::size_t shard) const { return first_documents_[shard]; }

  // Returns the shard that holds a document, and the document's number in it. Throws QueryError if there is none.
  struct ShardDocument {
    std::size_t shard;
    std::uint64_t document;
  };
  [[nodiscard]] ShardDocument locate_document(std::uint64_t document) const;

  // Throws QueryError for the first id outside the vocabulary.
  void check_tokens(std::span<const TokenId> tokens) const;

  // Throws IndexDamagedError if a file was truncated since it was opened (storage/truncation.hpp). Call it after a
  // query: its result may be wrong. Cost: one load unless that happened to some index of the process.
  void check_pages() const;

  // Throws IndexDamagedError for counts of one query that contradict those of another.
  [[noreturn]] void throw_bad_counts() const;

  // Verifies every shard (Shard::verify). `progress` receives the total number of suffixes.
  void verify(const SortProgress& progress) const;

 private:
  void add(Shard shard);

  std::vector<Shard> shards_;
  std::vector<std::uint64_t> first_documents_;  // of each shard, then the end
  std::uint64_t n_tokens_ = 0;
  std::uint64_t vocab_size_ = 0;
};

}  // namespace infgram
