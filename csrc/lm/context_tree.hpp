// The contexts met so far, each with the rows that follow it: a trie that grows as text is read.
//
// Language is repetitive: a few hundred thousand contexts are asked for again and again. A context is expanded, which
// reads its rows from the index, when it is first met, and found again by one look-up in the rows of the context that
// is one token shorter at its end.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "lm/ngram_statistics.hpp"
#include "lm/rows.hpp"
#include "query/search.hpp"

namespace infgram {

struct ContextNode {
  std::uint64_t serial;  // no other node of the tree ever has it
  std::uint64_t depth;   // tokens of the context
  ShardRanges ranges;
  Rows rows;
  std::unordered_map<RowCode, std::shared_ptr<ContextNode>> children;
};

// Grows while it is used, so one thread at a time: whoever walks in it holds its mutex. The index must outlive it.
class ContextTree {
 public:
  // `memory_bytes`: what the rows may take, about, before they are forgotten. Contexts of `few_places` occurrences or
  // fewer are not kept: to read their places each time is as quick.
  ContextTree(const Index& index, std::uint64_t memory_bytes, std::uint64_t few_places);

  [[nodiscard]] std::mutex& mutex() const { return mutex_; }
  [[nodiscard]] const Index& index() const { return index_; }
  [[nodiscard]] std::uint64_t few_places() const { return few_places_; }
  [[nodiscard]] const std::shared_ptr<ContextNode>& root() const { return root_; }

  // The context of `node`, whose tokens are `context`, followed by `token`, which must be one of its rows.
  // Cost: a look-up; the first time, a search and query/next_token.hpp.
  [[nodiscard]] std::shared_ptr<ContextNode> child(ContextNode& node, std::span<const TokenId> context, TokenId token);

  // Fills rows.lefts. Exact over all shards: the sets of tokens are united, not their sizes added. For the empty
  // context they are those of statistics(), of tokens alone; REQUIRES those.
  // Cost: the first time two random reads an occurrence, many under way.
  void count_lefts(ContextNode& node);

  // Counts of counts of all n-grams, once they were given; they do not change then. The mutex must be held.
  [[nodiscard]] const std::optional<NgramStatistics>& statistics() const { return statistics_; }
  void set_statistics(NgramStatistics statistics);

  // Whether the budget is used up; forget() then drops all contexts but those that somebody holds, and changes
  // generation().
  [[nodiscard]] bool is_full() const { return n_bytes_ > memory_bytes_; }
  void forget();
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

 private:
  const Index& index_;
  std::uint64_t memory_bytes_;
  std::uint64_t few_places_;
  std::uint64_t n_bytes_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t n_nodes_ = 0;  // ever made
  std::shared_ptr<ContextNode> root_;
  std::optional<NgramStatistics> statistics_;
  std::vector<std::uint64_t> seen_;  // by code: the last group that held it
  std::uint64_t group_ = 0;
  mutable std::mutex mutex_;
};

}  // namespace infgram
