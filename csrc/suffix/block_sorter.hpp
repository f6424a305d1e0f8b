// Sorting a block of suffixes by their first tokens, to a bounded depth.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/large_array.hpp"
#include "suffix/blocks.hpp"
#include "suffix/key_sort.hpp"
#include "suffix/keyed_position.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Sorts blocks, one after the other; keeps its memory between them, so use one a thread.
//
// Memory latency is the cost. One pass over the text puts each suffix of the block into its bucket together with the
// key that follows the bucket's tokens (5 tokens of 16 bits in all), so that most suffixes are sorted without a
// single random read. What agrees so far is sorted by the next key, and so on: groups of equal keys are collected into
// batches, whose keys are read with prefetches that run ahead over the groups' borders, and whose texts stay in the
// cache for the next level. Suffixes of equal keys stay in text order, which makes the reads go forward, and is the
// order of those that end together.
template <class Token, class Pos>
class BlockSorter {
 public:
  using Item = KeyedPosition<Pos>;
  using Group = std::span<Item>;

  // Memory: an item for each suffix of the largest of the blocks, and about as much for each of their largest bucket.
  BlockSorter(Text<Token> text, const Buckets<Token>& buckets, std::span<const Block> blocks)
      : text_(text),
        buckets_(buckets),
        items_(blocks.empty() ? 0 : std::ranges::max(blocks, {}, &Block::n_suffixes).n_suffixes) {}

  // Sorts the suffixes of a block that was cut from a text of `size` tokens by the same `selection`.
  // Those that agree in `depth` tokens or a few more, and do not end there, stand in text order and are handed to
  // `resolve(std::span<const Group>)`, which may sort them further; afterwards the keys are of no meaning.
  // `poll()` is called now and then. The result is valid until the next call.
  template <class Selection, class Resolve, class Poll>
  std::span<Item> sort(const Block& block, const Selection& selection, unsigned depth, const Resolve& resolve,
                       const Poll& poll) {
    collect(block, selection);
    const unsigned first_depth = block.n_shared_tokens + buckets_.depth();
    std::uint64_t begin = 0;
    std::uint64_t n_unpolled = 0;
    for (const auto& [bucket, size] : block.buckets) {
      const Group group(items_.data() + begin, size);
      begin += size;
      if (size < 2 || buckets_.ends(bucket)) continue;
      sort_group(group, batch_);
      if (batch_size_ >= kBatchSize) resolve_batch(first_depth, depth, resolve);
      if ((n_unpolled += size) > kPollEvery) {
        n_unpolled = 0;
        poll();
      }
    }
    resolve_batch(first_depth, depth, resolve);
    return {items_.data(), block.n_suffixes};
  }

  // Sets the key of every item to key(item), after a call of prefetch(item) some items ahead.
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

  void sort_by_keys(Group group) { key_sort_.sort(group.data(), group.size()); }

 private:
  static constexpr std::size_t kBatchSize = 1 << 12;
  static constexpr std::size_t kSmallGroup = 64;
  static constexpr std::size_t kPrefetchAhead = 32;
  static constexpr std::uint64_t kPollEvery = 1 << 18;

  template <class Selection>
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
    for_each_suffix(text_, selection, 0, text_.size(), block.shared_keys, block.smallest_key, block.largest_key,
                    [&](std::uint64_t position) {
                      Pos& next = next_[buckets_.of(text_, position + shared) - first_bucket];
                      items_[next++] = Item(text_.key(position + depth), static_cast<Pos>(position));
                    });
  }

  // Sorts a group by the keys that its items hold. Those of equal keys are added to `tied`, unless they end there.
  void sort_group(Group group, std::vector<Group>& tied) {
    sort_by_keys(group);
    for (std::size_t i = 0; i + 1 < group.size();) {
      const std::uint64_t key = group[i].key();
      std::size_t end = i + 1;
      while (end < group.size() && group[end].key() == key) ++end;
      if (end - i > 1 && !Text<Token>::ends(key)) {
        tied.push_back(group.subspan(i, end - i));
        batch_size_ += end - i;
      }
      i = end;
    }
  }

  template <class Resolve>
  void resolve_batch(unsigned first_depth, unsigned depth, const Resolve& resolve) {
    for (unsigned at = first_depth + Text<Token>::kKeyTokens; at < depth; at += Text<Token>::kKeyTokens) {
      set_keys(
          batch_, [&](const Item& item) { text_.prefetch(item.position + at); },
          [&](const Item& item) { return text_.key(item.position + at); });
      for (const Group& group : batch_) sort_group(group, next_batch_);
      batch_.swap(next_batch_);
      next_batch_.clear();
    }
    if (!batch_.empty()) resolve(std::span<const Group>(batch_));
    batch_.clear();
    batch_size_ = 0;
  }

  Text<Token> text_;
  Buckets<Token> buckets_;
  LargeArray<Item> items_;
  KeySort<Item> key_sort_;
  std::vector<Pos> next_;
  std::vector<Group> batch_;
  std::vector<Group> next_batch_;
  std::size_t batch_size_ = 0;
  std::vector<Item*> small_;
};

}  // namespace infgram
