// All suffixes of a text that grows, from the empty one to the longest that occurs, with what follows each.
//
// Suffixes of neighbouring lengths that occur equally often occur at the same places: a longer one is a shorter one
// that only ever has one token before it. They have the same rows and count as one *level*, so a chain has as many
// levels as there are different counts, few even inside a passage of a thousand copied tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "lm/context_tree.hpp"

namespace infgram {

// The suffixes of `shortest` to `longest` tokens, which occur at the same places. Levels of few occurrences have no
// node. rows.lefts are those of the longest suffix; each shorter one has a single token before it, so that its
// continuation counts are all 1.
struct Level {
  std::uint64_t shortest;
  std::uint64_t longest;
  const Rows* rows;
  ContextNode* node;
};

// A walk in a tree, whose mutex must be held during each call. Copies are independent.
class SuffixChain {
 public:
  explicit SuffixChain(ContextTree& tree);

  // Cost: a look-up for each level of many occurrences, and a look at each of the few places of a longer suffix.
  // From one token to the next the levels' lengths grow by one: the places of a level that go on with the token are
  // those of a level again. When it throws, the chain is as before. REQUIRES token < vocab_size.
  void append(TokenId token);

  // Ascending, the empty suffix first; valid until the next call. `with_lefts`: rows.lefts are filled.
  [[nodiscard]] std::span<const Level> levels(bool with_lefts);

  [[nodiscard]] std::span<const TokenId> tokens() const { return tokens_; }

 private:
  struct Run {
    std::shared_ptr<ContextNode> node;  // of the longest suffix of the run
    std::uint64_t shortest;
  };

  // An occurrence of the shortest rare suffix.
  struct Place {
    std::uint64_t shard;
    std::uint64_t end;      // the position after it
    std::uint64_t n_equal;  // the tokens before `end` that equal the text's last ones
    RowCode before;         // the code before those
    RowCode after;          // the code at `end`
  };

  void follow_places(TokenId token);
  void find_places(const Run& run, TokenId token);
  void append_rare_levels(bool with_lefts);

  ContextTree* tree_;
  std::vector<TokenId> tokens_;
  std::vector<Run> runs_;  // levels of many occurrences; the empty suffix first
  std::uint64_t shortest_rare_ = 0;
  std::vector<Place> places_;  // of the suffix of shortest_rare_ tokens; none if it does not occur
  std::vector<Place> next_places_;
  std::vector<Level> levels_;
  std::vector<Rows> rare_rows_;  // of the levels without a node
};

}  // namespace infgram
