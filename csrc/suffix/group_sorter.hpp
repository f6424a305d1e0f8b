// Sorting groups of suffixes by their next tokens, to a bounded depth.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "suffix/radix_sort.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Suffixes that agree in this many tokens may be left to the difference cover (difference_cover.hpp).
inline constexpr unsigned kDeepDepth = 64;

// Suffixes that share their first tokens: a run of places in an array of positions.
template <class Pos>
struct Run {
  Pos* begin;
  Pos* end;
  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(end - begin); }
};

// Sorts groups of positions; keeps scratch memory between calls, so use one a thread.
//
// Memory latency is the cost, so the groups of a batch go down level by level together: one pass reads the next two
// keys (8 tokens of 16 bits, …) of every suffix of the batch, with prefetches that run ahead over the groups' borders;
// each group is sorted by its keys; the runs of equal keys are the groups of the next level. A run whose key reaches
// the document's end is done, since its members end together and stand in text order; a pair is compared directly. A
// group beyond kLargeGroup is first partitioned by its next token or two, so that a batch fits the cache. Positions of
// a group ascend when it comes in and stay so among equals, which makes the reads go forward. Cost: at most kDeepDepth
// / kKeyTokens key reads a suffix, and one more a token in large groups; kPairDepth / kKeyTokens in pairs.
template <class Token, class Pos>
class GroupSorter {
 public:
  using Group = Run<Pos>;

  // `largest_id` bounds the token ids in the text.
  GroupSorter(Text<Token> text, Token largest_id) : text_(text), partition_shift_(partition_shift(largest_id)) {}

  // Sorts each of `groups`: suffixes that share their first `depth` tokens and run on beyond them, ascending by
  // position. Runs that agree in kDeepDepth tokens or more may be left in ascending order; they are added to `deep`.
  void sort(std::span<const Group> groups, unsigned depth, std::vector<Group>& deep) {
    for (const Group& group : groups) {
      if (group.size() > kLargeGroup) {
        large_.push_back({group, depth, false});
      } else {
        add_to_batch(group, depth, deep);
      }
    }
    sort_batch(depth, deep);
    while (!large_.empty()) {
      const Large next = large_.back();
      large_.pop_back();
      if (next.depth >= kDeepDepth) {
        deep.push_back(next.group);
      } else if (next.is_partitioned) {
        batch_.push_back(next.group);
        sort_batch(next.depth, deep);
      } else {
        partition(next.group, next.depth, deep);
      }
    }
  }

 private:
  struct Item {
    std::uint64_t key;
    std::uint64_t next_key;
    Pos position;
  };

  struct Large {
    Group group;
    unsigned depth;
    bool is_partitioned;  // by part of its next token: its keys must be sorted, whatever its size
  };

  static constexpr std::size_t kLargeGroup = 1 << 16;
  static constexpr std::size_t kBatchSize = 1 << 13;
  static constexpr std::size_t kPrefetchAhead = 32;
  static constexpr std::size_t kPairsAhead = 12;
  static constexpr unsigned kPairDepth = 512;
  static constexpr unsigned kPartitionBits = 16;
  // Tokens that a partition decides: two of 8 bits, one of 16; of 32 bits only the highest bits of one.
  static constexpr unsigned kPartitionTokens = 2 / sizeof(Token);

  // The digit is the 16 bits of a key below its unused ones.
  static unsigned partition_shift(Token largest_id) {
    if constexpr (sizeof(Token) < 4) return 64 - kPartitionBits;
    const auto id_bits = static_cast<int>(std::bit_width(std::uint64_t{largest_id} + 1));
    return 32 + static_cast<unsigned>(std::max(0, id_bits - static_cast<int>(kPartitionBits)));
  }

  void add_to_batch(const Group& group, unsigned depth, std::vector<Group>& deep) {
    batch_.push_back(group);
    batch_size_ += group.size();
    if (batch_size_ >= kBatchSize) sort_batch(depth, deep);
  }

  // Sorts the groups of the batch, which share `depth` tokens each, and empties it.
  void sort_batch(unsigned depth, std::vector<Group>& deep) {
    constexpr unsigned kLevelTokens = 2 * Text<Token>::kKeyTokens;
    for (; !batch_.empty() && depth < kDeepDepth; depth += kLevelTokens) {
      read_keys(depth);
      std::size_t first = 0;
      for (const Group& group : batch_) {
        sort_items(group.begin, std::span(items_.data() + first, group.size()), true);
        first += group.size();
      }
      sort_pairs(depth + kLevelTokens, deep);
      batch_.swap(next_batch_);
      next_batch_.clear();
    }
    deep.insert(deep.end(), batch_.begin(), batch_.end());
    batch_.clear();
    batch_size_ = 0;
  }

  void read_keys(unsigned depth) {
    items_.clear();
    for (const Group& group : batch_) {
      for (const Pos* place = group.begin; place < group.end; ++place) items_.push_back({0, 0, *place});
    }
    const std::size_t n_ahead = items_.size() > kPrefetchAhead ? items_.size() - kPrefetchAhead : 0;
    std::size_t i = 0;
    for (; i < n_ahead; ++i) {
      text_.prefetch(items_[i + kPrefetchAhead].position + depth);
      read_key(items_[i], depth);
    }
    for (; i < items_.size(); ++i) read_key(items_[i], depth);
  }

  void read_key(Item& item, unsigned depth) const {
    item.key = text_.key(item.position + depth);
    // Beyond the document's end this is of no meaning, and never used.
    item.next_key = text_.key(item.position + depth + Text<Token>::kKeyTokens);
  }

  // Sorts the items of a group by their keys, those of equal keys by their next keys, and writes the positions to
  // `places`. The runs that agree in both are collected for the next level.
  void sort_items(Pos* places, std::span<Item> items, bool has_next_key) {
    sort_by_key(items, scratch_);
    for (std::size_t i = 0; i < items.size();) {
      const std::size_t begin = i;
      const std::uint64_t key = items[i].key;
      for (; i < items.size() && items[i].key == key; ++i) places[i] = items[i].position;
      if (i - begin == 1 || Text<Token>::ends(key)) continue;
      if (has_next_key) {
        const auto run = items.subspan(begin, i - begin);
        for (Item& item : run) item.key = item.next_key;
        sort_items(places + begin, run, false);
      } else {
        (i - begin == 2 ? pairs_ : next_batch_).push_back({places + begin, places + i});
      }
    }
  }

  void sort_pairs(unsigned depth, std::vector<Group>& deep) {
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      if (i + kPairsAhead < pairs_.size()) {
        text_.prefetch(pairs_[i + kPairsAhead].begin[0] + depth);
        text_.prefetch(pairs_[i + kPairsAhead].begin[1] + depth);
      }
      if (!sort_pair(pairs_[i].begin, depth)) deep.push_back(pairs_[i]);
    }
    pairs_.clear();
  }

  // Orders two suffixes; false if they agree too far.
  [[nodiscard]] bool sort_pair(Pos* pair, unsigned depth) const {
    for (; depth < kPairDepth; depth += Text<Token>::kKeyTokens) {
      const std::uint64_t first = text_.key(pair[0] + depth);
      const std::uint64_t second = text_.key(pair[1] + depth);
      if (first > second) std::swap(pair[0], pair[1]);
      if (first != second || Text<Token>::ends(first)) return true;
    }
    return false;
  }

  void partition(const Group& group, unsigned depth, std::vector<Group>& deep) {
    std::vector<Pos>& starts = digit_starts_;
    starts.assign((std::size_t{1} << kPartitionBits) + 1, 0);
    digits_.resize(group.size());
    std::uint64_t all_ones = ~std::uint64_t{0};
    std::uint64_t any_ones = 0;
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (i + kPrefetchAhead < group.size()) text_.prefetch(group.begin[i + kPrefetchAhead] + depth);
      const std::uint64_t key = text_.key(group.begin[i] + depth);
      all_ones &= key;
      any_ones |= key;
      digits_[i] = static_cast<std::uint16_t>(key >> partition_shift_);
      ++starts[digits_[i] + 1];
    }
    if (all_ones == any_ones) {  // one key: the whole group moves on by it
      if (!Text<Token>::ends(all_ones)) large_.push_back({group, depth + Text<Token>::kKeyTokens, false});
      return;
    }
    for (std::size_t d = 0; d + 1 < starts.size(); ++d) starts[d + 1] += starts[d];
    digit_next_.assign(starts.begin(), starts.end() - 1);
    positions_.resize(group.size());
    for (std::size_t i = 0; i < group.size(); ++i) positions_[digit_next_[digits_[i]]++] = group.begin[i];
    std::copy(positions_.begin(), positions_.end(), group.begin);

    const bool is_whole_token = kPartitionTokens > 0 || partition_shift_ == 32;
    const unsigned next_depth = depth + (is_whole_token ? std::max(1U, kPartitionTokens) : 0);
    for (std::size_t d = 0; d + 1 < starts.size(); ++d) {
      const Group part{group.begin + starts[d], group.begin + starts[d + 1]};
      if (part.size() < 2 || digit_ends(d)) continue;
      if (part.size() > kLargeGroup) {
        large_.push_back({part, next_depth, !is_whole_token});
      } else {
        add_to_batch(part, next_depth, deep);
      }
    }
    sort_batch(next_depth, deep);
  }

  // Whether every suffix with this digit ends within the tokens that the digit holds.
  [[nodiscard]] bool digit_ends(std::size_t digit) const {
    if constexpr (sizeof(Token) == 4) return digit == 0 && partition_shift_ == 32;
    return static_cast<Token>(digit) == 0;  // the last token that the digit holds
  }

  Text<Token> text_;
  unsigned partition_shift_;
  std::vector<Large> large_;
  std::vector<Group> batch_;
  std::size_t batch_size_ = 0;
  std::vector<Group> next_batch_;
  std::vector<Group> pairs_;
  std::vector<Item> items_;
  std::vector<Item> scratch_;
  std::vector<std::uint16_t> digits_;
  std::vector<Pos> digit_starts_;
  std::vector<Pos> digit_next_;
  std::vector<Pos> positions_;
};

}  // namespace infgram
