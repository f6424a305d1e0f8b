// All suffixes of a growing text, from the empty one to the longest that occurs, with their next tokens.
//
// Suffixes of consecutive lengths with equal counts occur at the same positions: the longer one is the shorter one with
// the only token that ever precedes it. They have the same next tokens and form one *level*. So a chain has as many
// levels as there are distinct counts; few, even inside a copied passage of a thousand tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lm/context_tree.hpp"

namespace infgram {

// The suffixes of `shortest` to `longest` tokens, which occur at the same positions. Rare levels have no node. The
// left-extension counts are those of the longest suffix; those of the shorter ones are all 1, since one token alone
// precedes them.
struct Level {
  std::uint64_t shortest;
  std::uint64_t longest;
  const NextTokenCounts* next_tokens;
  ContextNode* node;
};

// A walk in a tree. Hold the tree's mutex during each call. Copies are independent.
class SuffixChain {
 public:
  explicit SuffixChain(ContextTree& tree);

  // Appends a token. The lengths of all levels grow by one: the occurrences of a level that the token follows form a
  // level again. If it throws, the chain is unchanged. Cost: one look-up per frequent level, and one read for each
  // occurrence of the shortest rare suffix. REQUIRES token < vocab_size.
  void append(TokenId token);

  // Returns the levels, ascending from the empty suffix; valid until the next call. `with_left_extensions` fills
  // next_tokens.left_extension_counts.
  [[nodiscard]] std::span<const Level> levels(bool with_left_extensions);

  [[nodiscard]] std::span<const TokenId> tokens() const { return tokens_; }

 private:
  struct Run {
    std::shared_ptr<ContextNode> node;  // of the run's longest suffix
    std::uint64_t shortest;
  };

  // An occurrence of the shortest rare suffix.
  struct Occurrence {
    std::uint64_t shard;
    std::uint64_t end;      // the position after it
    std::uint64_t n_equal;  // the number of tokens before `end` that equal the last tokens of the text
    TokenCode before;       // the code before these tokens
    TokenCode after;        // the code at `end`
  };

  void extend_occurrences(TokenId token);
  void find_occurrences(const Run& run, TokenId token);
  void append_rare_levels(bool with_left_extensions);

  ContextTree* tree_;
  std::vector<TokenId> tokens_;
  std::vector<Run> runs_;  // frequent levels; the empty suffix first
  std::uint64_t shortest_rare_ = 0;
  std::vector<Occurrence> occurrences_;  // of the suffix of shortest_rare_ tokens; empty if it does not occur
  std::vector<Occurrence> next_occurrences_;
  std::vector<Level> levels_;
  std::vector<NextTokenCounts> rare_next_tokens_;  // of the levels without a node
};

}  // namespace infgram
