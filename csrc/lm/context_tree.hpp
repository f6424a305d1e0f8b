// The contexts met so far, each with its next tokens: a trie that grows as text is read.
//
// Text is repetitive: a few hundred thousand contexts recur. When a context is first met, its next tokens are read from
// the index and kept in a node; later it is found by one look-up in the node of the context without its last token.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/fork_safe_mutex.hpp"
#include "lm/next_token_counts.hpp"
#include "lm/ngram_statistics.hpp"
#include "query/search.hpp"

namespace infgram {

struct ContextNode {
  ContextNode() = default;
  ContextNode(const ContextNode&) = delete;
  ContextNode& operator=(const ContextNode&) = delete;
  // Drops the nodes below one after the other: a passage of many tokens is a path of as many nodes, too long for
  // recursion.
  ~ContextNode();

  std::uint64_t serial = 0;  // unique among all nodes ever made
  std::uint64_t depth = 0;   // tokens of the context
  ShardRanges ranges;
  NextTokenCounts next_tokens;
  std::unordered_map<TokenCode, std::shared_ptr<ContextNode>> children;
};

// Calls poll() without the lock, since it may wait for the GIL, which a thread that forks may hold.
template <class Lock, class Poll>
void poll_unlocked(Lock& lock, Poll&& poll) {
  lock.unlock();
  poll();
  lock.lock();
}

// Grows while it is used. Not thread-safe: hold mutex() while using it. The index must outlive it.
class ContextTree {
 public:
  // `memory_bytes` limits, approximately, the memory of the nodes before they are dropped. Contexts of at most
  // `few_occurrences` occurrences get no node: reading their occurrences each time is as fast.
  ContextTree(const Index& index, std::uint64_t memory_bytes, std::uint64_t few_occurrences);

  [[nodiscard]] ForkSafeMutex& mutex() const { return mutex_; }
  [[nodiscard]] const Index& index() const { return index_; }
  [[nodiscard]] std::uint64_t few_occurrences() const { return few_occurrences_; }
  [[nodiscard]] const std::shared_ptr<ContextNode>& root() const { return root_; }

  // Returns the ranges of a context followed by `token`. `context` holds the tokens of `node`. Their size is the count
  // of the token in node.next_tokens; throws IndexDamagedError if the index says otherwise. Cost: one search.
  [[nodiscard]] ShardRanges extend(const ContextNode& node, std::span<const TokenId> context, TokenId token) const;

  // Returns the node of a context followed by `token`. `context` holds the tokens of `node`. REQUIRES that `token`
  // follows it. Cost: one look-up; the first time one search, and query/next_token.hpp.
  [[nodiscard]] std::shared_ptr<ContextNode> child(ContextNode& node, std::span<const TokenId> context, TokenId token);

  // Fills next_tokens.left_extension_counts. Exact over all shards: sets of tokens are united, not their sizes added.
  // For the empty context they are taken from statistics(), which must be set. Cost: the first time two random reads
  // per occurrence, many in flight.
  void count_left_extensions(ContextNode& node);

  // The counts of counts of all n-grams, once set; they never change afterwards. REQUIRES the mutex.
  [[nodiscard]] const std::optional<NgramStatistics>& statistics() const { return statistics_; }
  void set_statistics(NgramStatistics statistics);

  // Whether the memory limit is exceeded. forget() drops all nodes that are not in use, and changes generation().
  [[nodiscard]] bool is_full() const { return n_bytes_ > memory_bytes_; }
  void forget();
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

 private:
  const Index& index_;
  std::uint64_t memory_bytes_;
  std::uint64_t few_occurrences_;
  std::uint64_t n_bytes_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t n_nodes_ = 0;  // made so far
  std::shared_ptr<ContextNode> root_;
  std::optional<NgramStatistics> statistics_;
  std::vector<std::uint64_t> seen_;  // by code: the last group that contained it
  std::uint64_t group_ = 0;
  mutable ForkSafeMutex mutex_;
};

}  // namespace infgram
