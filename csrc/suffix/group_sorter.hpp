// Sorting one group of suffixes by their next tokens, to a bounded depth.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "suffix/radix_sort.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Suffixes that agree in this many tokens are left to the difference cover (difference_cover.hpp).
inline constexpr unsigned kDeepDepth = 64;

// Sorts groups of positions, one group at a time; keeps scratch memory between calls, so use one a thread.
//
// Method: take the next key (4 tokens of 16 bits, …) of every suffix, sort by it, go on inside each run of equal keys.
// A run whose key reaches the document's end is done, since its members end together and stand in text order. A group
// beyond kLargeGroup is first partitioned by its next token or two, so that the keys of a group fit the cache.
// Positions of a group ascend when it comes in and stay so among equals, which makes the reads go forward.
// Cost: O(m) key reads a level, at most kDeepDepth / kKeyTokens levels (+ one partition a token in large groups).
template <class Token, class Pos>
class GroupSorter {
 public:
  // `largest_id` bounds the token ids in the text.
  GroupSorter(Text<Token> text, Token largest_id) : text_(text), partition_shift_(partition_shift(largest_id)) {}

  // Sorts positions[begin, end), suffixes that share their first `depth` tokens and run on beyond them, ascending by
  // position. Runs that still agree after kDeepDepth tokens stay in ascending order and are added to `deep`.
  struct Run {
    Pos* begin;
    Pos* end;
  };
  void sort(Pos* begin, Pos* end, unsigned depth, std::vector<Run>& deep) {
    pending_.push_back({begin, static_cast<std::size_t>(end - begin), depth, false});
    while (!pending_.empty()) {
      const Group group = pending_.back();
      pending_.pop_back();
      if (group.depth >= kDeepDepth) {
        deep.push_back({group.begin, group.begin + group.size});
      } else if (group.size > kLargeGroup && !group.is_partitioned) {
        partition(group);
      } else {
        sort_by_next_key(group);
      }
    }
  }

 private:
  using Item = KeyedPosition<Pos>;
  using AnyKey = std::uint64_t;

  struct Group {
    Pos* begin;
    std::size_t size;
    unsigned depth;
    bool is_partitioned;  // by part of its next token: its keys must be sorted, whatever its size
  };

  static constexpr std::size_t kLargeGroup = 1 << 15;
  static constexpr std::size_t kPrefetchAhead = 24;
  static constexpr unsigned kPartitionBits = 16;
  // Tokens that a partition decides: two of 8 bits, one of 16; of 32 bits only the highest bits of one.
  static constexpr unsigned kPartitionTokens = 2 / sizeof(Token);

  // The digit is the 16 bits of a key below its unused ones.
  static unsigned partition_shift(Token largest_id) {
    if constexpr (sizeof(Token) < 4) return 64 - kPartitionBits;
    return 32 + std::max(0, static_cast<int>(std::bit_width(std::uint64_t{largest_id} + 1)) - static_cast<int>(kPartitionBits));
  }

  void sort_by_next_key(const Group& group) {
    if (items_.size() < group.size) items_.resize(group.size);
    const std::span<Item> items(items_.data(), group.size);
    for (std::size_t i = 0; i < group.size; ++i) {
      if (i + kPrefetchAhead < group.size) text_.prefetch(group.begin[i + kPrefetchAhead] + group.depth);
      items[i] = {text_.key(group.begin[i] + group.depth), group.begin[i]};
    }
    sort_by_key(items, scratch_);

    const unsigned next_depth = group.depth + Text<Token>::kKeyTokens;
    for (std::size_t i = 0; i < group.size;) {
      const AnyKey key = items[i].key;
      const std::size_t run_begin = i;
      for (; i < group.size && items[i].key == key; ++i) group.begin[i] = items[i].position;
      if (i - run_begin > 1 && !Text<Token>::ends(key)) {
        text_.prefetch(group.begin[run_begin] + next_depth);
        text_.prefetch(group.begin[i - 1] + next_depth);
        pending_.push_back({group.begin + run_begin, i - run_begin, next_depth, false});
      }
    }
  }

  void partition(const Group& group) {
    std::vector<Pos> starts((std::size_t{1} << kPartitionBits) + 1);
    digits_.resize(group.size);
    AnyKey all_ones = ~AnyKey{0};
    AnyKey any_ones = 0;
    for (std::size_t i = 0; i < group.size; ++i) {
      if (i + kPrefetchAhead < group.size) text_.prefetch(group.begin[i + kPrefetchAhead] + group.depth);
      const AnyKey key = text_.key(group.begin[i] + group.depth);
      all_ones &= key;
      any_ones |= key;
      digits_[i] = static_cast<std::uint16_t>(key >> partition_shift_);
      ++starts[digits_[i] + 1];
    }
    if (all_ones == any_ones) {  // one key: the whole group moves on by it
      if (!Text<Token>::ends(all_ones)) {
        pending_.push_back({group.begin, group.size, group.depth + Text<Token>::kKeyTokens, false});
      }
      return;
    }
    for (std::size_t d = 0; d + 1 < starts.size(); ++d) starts[d + 1] += starts[d];
    std::vector<Pos> next(starts.begin(), starts.end() - 1);
    positions_.resize(group.size);
    for (std::size_t i = 0; i < group.size; ++i) positions_[next[digits_[i]]++] = group.begin[i];
    std::copy(positions_.begin(), positions_.end(), group.begin);

    for (std::size_t d = 0; d + 1 < starts.size(); ++d) {
      const std::size_t size = starts[d + 1] - starts[d];
      if (size > 1 && !digit_ends(d)) push_partition(group, starts[d], size);
    }
  }

  void push_partition(const Group& group, std::size_t offset, std::size_t size) {
    const bool is_whole_token = kPartitionTokens > 0 || partition_shift_ == 32;
    const unsigned n_tokens = is_whole_token ? std::max(1U, kPartitionTokens) : 0;
    pending_.push_back({group.begin + offset, size, group.depth + n_tokens, !is_whole_token});
  }

  // Whether every suffix with this digit ends within the tokens that the digit holds.
  [[nodiscard]] bool digit_ends(std::size_t digit) const {
    if constexpr (sizeof(Token) == 4) return digit == 0 && partition_shift_ == 32;
    return static_cast<Token>(digit) == 0;  // the last token that the digit holds
  }

  Text<Token> text_;
  unsigned partition_shift_;
  std::vector<Group> pending_;
  std::vector<Item> items_;
  std::vector<Item> scratch_;
  std::vector<std::uint16_t> digits_;
  std::vector<Pos> positions_;
};

}  // namespace infgram
