// An open index: the union of its shards.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "index/shard.hpp"

namespace infgram {

// Owns its shards. Immutable; safe for concurrent readers. Every query answers as if removed documents had never been
// there. The numbers of documents ascend over the shards (ShardState); not every number between the first and the last
// is that of a document.
class Index {
 public:
  // Opens the shards. Cost, `access` and errors: Shard::open; throws IndexDamagedError also if the shards differ in
  // token width, or if their document numbers do not ascend. REQUIRES at least one shard.
  [[nodiscard]] static Index open(std::span<const ShardState> shards, Access access = Access::kRandom);

  // Opens shards that infini-gram made, in place; their vocabulary is the largest of all. Cost and errors:
  // Shard::open_infini_gram. REQUIRES at least one shard.
  [[nodiscard]] static Index open_infini_gram(std::span<const InfiniGramFiles> shards, std::uint64_t vocab_size,
                                              Access access, std::size_t n_threads);

  [[nodiscard]] std::span<const Shard> shards() const { return shards_; }
  [[nodiscard]] std::uint64_t n_tokens() const { return n_tokens_; }
  [[nodiscard]] std::uint64_t n_documents() const { return n_documents_; }
  [[nodiscard]] bool has_removals() const { return has_removals_; }
  // The largest vocabulary of all shards. (Tokenizers that differ only in special tokens can share an index.)
  [[nodiscard]] std::uint64_t vocab_size() const { return vocab_size_; }

  // Returns the numbers of the first `limit` documents from the number `begin` on, ascending. Cost: O(limit + removed
  // documents passed).
  [[nodiscard]] std::vector<std::int64_t> document_ids(std::uint64_t begin, std::uint64_t limit) const;

  // Returns the shard that holds a document, and the document's number in it. Throws QueryError if it does not exist,
  // or if it was deleted.
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
  std::uint64_t n_tokens_ = 0;
  std::uint64_t n_documents_ = 0;
  bool has_removals_ = false;
  std::uint64_t vocab_size_ = 0;
};

}  // namespace infgram
