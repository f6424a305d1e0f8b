// Sorts a block of suffixes by their first tokens, to a bounded depth.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/concepts.hpp"
#include "base/large_array.hpp"
#include "suffix/blocks.hpp"
#include "suffix/key_sort.hpp"
#include "suffix/keyed_position.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Sorts one block after the other. Reuses its memory; use one sorter per thread.
//
// Memory latency dominates the cost. One pass over the text puts each suffix of the block into its bucket, together
// with the key that follows the bucket's tokens (5 tokens of 16 bits in all), so that most suffixes are sorted without
// a random read. Suffixes with equal keys are sorted by the next key, and so on: groups of equal keys are collected
// into batches; their keys are read with prefetches that run ahead across group borders, and their texts stay in the
// cache for the next level. Suffixes with equal keys stay in text order, so that reads go forward; it is also the final
// order of suffixes that are equal to their ends.
template <StoredToken Token, StoredPosition Pos>
class BlockSorter {
 public:
  using Item = KeyedPosition<Pos>;
  using Group = std::span<Item>;

  // Memory: one item per suffix of the largest block, plus one item and two bytes per suffix of the largest bucket.
  // Pages are allocated when used.
  BlockSorter(Text<Token> text, const Buckets<Token>& buckets, std::span<const Block> blocks)
      : text_(text),
        buckets_(buckets),
        items_(blocks.empty() ? 0 : std::ranges::max(blocks, {}, &Block::n_suffixes).n_suffixes),
        key_sort_(items_.size()) {}

  // Sorts the suffixes of a block that was made by a BlockPartitioner for the same `selection`.
  // Suffixes that share `depth` tokens or a few more, and do not end there, are left in text order and passed to
  // `resolve(std::span<const Group>)`, which may sort them further; it may overwrite the keys. Calls `poll()` from time
  // to time. The result is valid until the next call.
  template <SuffixSelection<Token> Selection, class Resolve, class Poll>
  std::span<Item> sort(const Block& block, const Selection& selection, unsigned depth, const Resolve& resolve,
                       const Poll& poll) {
    collect(block, selection);
    const Levels<Resolve> levels{block.n_shared_tokens + buckets_.depth(), depth, resolve};
    std::uint64_t begin = 0;
    std::uint64_t n_unpolled = 0;
    for (const auto& [bucket, size] : block.buckets) {
      const Group group(items_.data() + begin, size);
      begin += size;
      if (size < 2 || buckets_.ends(bucket)) continue;
      sort_group(group, 0, levels);
      n_unpolled += size;
      if (n_unpolled > kPollEvery) {
        n_unpolled = 0;
        poll();
      }
    }
    flush(0, levels);
    return {items_.data(), block.n_suffixes};
  }

  // The memory of the items of a block.
  [[nodiscard]] const Item* items() const { return items_.data(); }

  // Sets the key of every item to key(item), calling prefetch(item) some items ahead.
  template <class Prefetch, class Key>
  void set_keys(std::span<const Group> groups, const Prefetch& prefetch, const Key& key) {
    small_.clear();
    for (const Group& group : groups) {
      if (group.size() <= kSmallGroup) {
        for (Item& item : group) small_.push_back(&item);
        continue;
      }
      const std::size_t n_ahead = group.size() - std::min(group.size(), kPrefetchAhead);
      for (std::size_t i = 0; i < n_ahead; ++i) {
        prefetch(group[i + kPrefetchAhead]);
        group[i].set_key(key(group[i]));
      }
      for (std::size_t i = n_ahead; i < group.size(); ++i) group[i].set_key(key(group[i]));
    }
    const std::size_t n_ahead = small_.size() - std::min(small_.size(), kPrefetchAhead);
    for (std::size_t i = 0; i < n_ahead; ++i) {
      prefetch(*small_[i + kPrefetchAhead]);
      small_[i]->set_key(key(*small_[i]));
    }
    for (std::size_t i = n_ahead; i < small_.size(); ++i) small_[i]->set_key(key(*small_[i]));
  }

  // Sorts those suffixes of a tied block whose key(position) is in the block's range of ranks.
  template <SuffixSelection<Token> Selection, class Key>
  std::span<Item> sort_tied(const Block& block, const Selection& selection, const Key& key) {
    std::size_t n = 0;
    for_each_suffix(text_, selection, 0, text_.size(), block, [&](Position position) {
      const std::uint64_t rank = key(position);
      if (rank >= block.smallest_rank && rank <= block.largest_rank) {
        items_[n++] = Item(rank, static_cast<Pos>(position));
      }
    });
    sort_by_keys({items_.data(), n});
    return {items_.data(), n};
  }

  void sort_by_keys(Group group) { key_sort_.sort(group.data(), group.size()); }

 private:
  static constexpr std::size_t kBatchSize = 1 << 12;
  static constexpr std::size_t kSmallGroup = 64;
  static constexpr std::size_t kPrefetchAhead = 32;
  static constexpr std::uint64_t kPollEvery = 1 << 18;

  template <SuffixSelection<Token> Selection>
  void collect(const Block& block, const Selection& selection) {
    const std::size_t first_bucket = block.buckets.front().bucket;
    next_.resize(block.buckets.back().bucket - first_bucket + 1);
    Pos start = 0;
    for (const auto& [bucket, size] : block.buckets) {
      next_[bucket - first_bucket] = start;
      start += static_cast<Pos>(size);
    }
    const unsigned shared = block.n_shared_tokens;
    const unsigned depth = shared + buckets_.depth();
    for_each_suffix(text_, selection, 0, text_.size(), block, [&](Position position) {
      Pos& next = next_[buckets_.of(text_, position + shared) - first_bucket];
      items_[next++] = Item(text_.key(position + depth), static_cast<Pos>(position));
    });
  }

  // The groups that wait at a level share the tokens of all keys up to this level.
  struct Level {
    std::vector<Group> groups;
    std::size_t n_items = 0;
  };

  template <class Resolve>
  struct Levels {
    unsigned first_depth;  // of the keys at level 0
    unsigned depth;
    const Resolve& resolve;
  };

  // Sorts a group by its items' keys. Items with equal keys wait at the level, unless the suffixes end there.
  template <class Resolve>
  void sort_group(Group group, std::size_t level, const Levels<Resolve>& levels) {
    sort_by_keys(group);
    for (std::size_t i = 0; i + 1 < group.size();) {
      const std::uint64_t key = group[i].key();
      std::size_t end = i + 1;
      while (end < group.size() && group[end].key() == key) ++end;
      if (end - i > 1 && !Text<Token>::ends(key)) {
        levels_[level].groups.push_back(group.subspan(i, end - i));
        levels_[level].n_items += end - i;
        if (levels_[level].n_items >= kBatchSize) flush(level, levels);
      }
      i = end;
    }
  }

  // Sorts all groups that wait at a level by the next key, or passes them to `resolve`.
  template <class Resolve>
  void flush(std::size_t level, const Levels<Resolve>& levels) {
    const unsigned at = levels.first_depth + static_cast<unsigned>(level + 1) * Text<Token>::kKeyTokens;
    if (level + 1 == levels_.size()) levels_.emplace_back();
    if (levels_[level].groups.empty()) return;
    const std::span<const Group> groups(levels_[level].groups);  // no group is added to this level meanwhile
    if (at >= levels.depth) {
      levels.resolve(groups);
    } else {
      set_keys(
          groups, [&](const Item& item) { text_.prefetch(item.position + at); },
          [&](const Item& item) { return text_.key(item.position + at); });
      for (const Group& group : groups) sort_group(group, level + 1, levels);
      flush(level + 1, levels);
    }
    levels_[level].groups.clear();
    levels_[level].n_items = 0;
  }

  Text<Token> text_;
  Buckets<Token> buckets_;
  LargeArray<Item> items_;
  KeySort<Item> key_sort_;
  std::vector<Pos> next_;
  std::vector<Level> levels_ = std::vector<Level>(1);
  std::vector<Item*> small_;
};

}  // namespace infgram
