// The order of a sample of all suffixes, which decides between any two suffixes that agree for long.
//
// Source: prefix doubling over the groups that are still tied (Larsson, Sadakane, "Faster Suffix Sorting", 2007), on
// a sample (minimizers.hpp) instead of all suffixes; its worst case is O(n log n).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/large_array.hpp"
#include "base/parallel.hpp"
#include "suffix/block_sorter.hpp"
#include "suffix/blocks.hpp"
#include "suffix/minimizers.hpp"
#include "suffix/tied_members.hpp"

namespace infgram {

// Ranks of the sampled suffixes among themselves. Immutable after construction; safe for concurrent readers.
template <class Token, class Pos>
class SampleRanks {
 public:
  // Cost: m suffixes sorted to about the sample's context, then O(t log n) for the t of them that are tied; m is about
  // 2 n / context (minimizers.hpp). Memory, in bytes for 32-bit positions: n / 4 + 4 m; 8 a tied one; `sorting_bytes`
  // for blocks, and at least 26 a suffix of the smallest block and of the largest tied group, each for every thread.
  // REQUIRES a text that ends with a separator.
  template <class Poll>
  SampleRanks(Text<Token> text, Minimizers<Token, Pos> sample, const Buckets<Token>& buckets,
              const BlockSizes& block_sizes, std::size_t n_threads, const Poll& poll)
      : sample_(std::move(sample)), ranks_(sample_.size()) {
    std::vector<TiedMembers<Pos>> tied = rank_first_tokens(text, buckets, block_sizes, n_threads, poll);
    std::size_t largest_group_size = 0;
    for (auto& group : tied) largest_group_size = std::max(largest_group_size, group.largest_group_size());
    std::vector<typename TiedMembers<Pos>::Scratch> scratch;
    for (std::size_t t = 0; t < n_threads; ++t) scratch.emplace_back(largest_group_size);
    for (std::uint64_t n_steps = 1; !tied.empty(); n_steps *= 2) {
      parallel_for(tied.size(), n_threads, [&](std::size_t i, std::size_t worker) {
        tied[i].refine(ranks_, n_steps, scratch[worker]);
        if (worker == 0) poll();
      });
      // New ranks are set only when all groups are sorted: none must see a mixture of old and new ones.
      parallel_for(tied.size(), n_threads, [&](std::size_t i, std::size_t) { tied[i].set_ranks(ranks_); });
      std::erase_if(tied, [](const auto& group) { return group.empty(); });
    }
    sample_.turn_to_windows();
  }

  [[nodiscard]] std::uint64_t size() const { return ranks_.size(); }

  // Suffixes that agree in so many tokens and do not end there are told apart by their ranks.
  [[nodiscard]] unsigned depth() const { return sample_.context(); }

  // The rank that orders a suffix among such. In two steps, each with one random read that a prefetch can hide:
  // position to index, index to rank.
  [[nodiscard]] std::uint64_t index(std::uint64_t position) const { return sample_.index_of_minimum(position); }
  [[nodiscard]] std::uint64_t rank(std::uint64_t index) const { return ranks_[index]; }
  [[nodiscard]] std::uint64_t rank_at(std::uint64_t position) const { return rank(index(position)); }
  void prefetch_index(std::uint64_t position) const { sample_.prefetch_index_of_minimum(position); }
  void prefetch_rank(std::uint64_t index) const { __builtin_prefetch(&ranks_[index]); }

 private:
  // The sampled suffixes that begin with a token, as a selection for BlockSorter.
  struct Members {
    const Minimizers<Token, Pos>& sample;

    template <class F>
    void for_each(std::uint64_t begin, std::uint64_t end, const KeyRange<Token>& keys, F&& f) const {
      keys.for_each(begin, end, [&](std::uint64_t position) {
        if (sample.is_member(position)) f(position);
      });
    }
  };

  // Ranks the sample by its first tokens. Returns the groups that these do not tell apart, whose rank is that of their
  // first member.
  template <class Poll>
  std::vector<TiedMembers<Pos>> rank_first_tokens(Text<Token> text, const Buckets<Token>& buckets,
                                                  const BlockSizes& block_sizes, std::size_t n_threads,
                                                  const Poll& poll) {
    Pos n_separators = 0;
    sample_.for_each_member(0, text.size(), [&](std::uint64_t position) {
      if (text[position] == Text<Token>::kSeparator) ranks_[sample_.index_of_member(position)] = n_separators++;
    });
    const Members members{sample_};
    const std::vector<Block> blocks =
        BlockCutter<Token, Members>(text, buckets, members, block_sizes, depth() + 1, n_threads).cut();
    std::vector<BlockSorter<Token, Pos>> sorters;
    for (std::size_t t = 0; t < n_threads; ++t) sorters.emplace_back(text, buckets, blocks);
    std::vector<TiedMembers<Pos>> tied(blocks.size());
    parallel_for(blocks.size(), n_threads, [&](std::size_t i, std::size_t worker) {
      if (blocks[i].is_tied) {
        tied[i] = rank_tied(text, blocks[i], members, static_cast<Pos>(n_separators + blocks[i].first_rank));
        return;
      }
      BlockSorter<Token, Pos>& sorter = sorters[worker];
      std::vector<bool> equals_previous(blocks[i].n_suffixes);
      const auto mark = [&](auto groups) {
        for (const auto& group : groups) {
          const auto first = static_cast<std::size_t>(group.data() - sorter.items());
          std::fill_n(equals_previous.begin() + static_cast<std::ptrdiff_t>(first + 1), group.size() - 1, true);
        }
      };
      const auto poll_once = [&] {
        if (worker == 0) poll();
      };
      const auto items = sorter.sort(blocks[i], members, depth() + 1, mark, poll_once);
      tied[i] = set_first_ranks(items, equals_previous, static_cast<Pos>(n_separators + blocks[i].first_rank));
    });
    std::erase_if(tied, [](const auto& group) { return group.empty(); });
    return tied;
  }

  // All members of a tied block are tied.
  TiedMembers<Pos> rank_tied(Text<Token> text, const Block& block, const Members& members, Pos rank) {
    TiedMembers<Pos> tied(block.n_suffixes);
    for_each_suffix(text, members, 0, text.size(), block, [&](std::uint64_t position) {
      const Pos member = sample_.index_of_member(position);
      ranks_[member] = rank;
      tied.add(member, rank);
    });
    return tied;
  }

  // Items become members: positions turn into indices, keys into ranks; equal ones share that of their first.
  // Returns the groups of equal ones.
  TiedMembers<Pos> set_first_ranks(std::span<KeyedPosition<Pos>> items, const std::vector<bool>& equals_previous,
                                   Pos first_rank) {
    const auto equals_next = [&](std::size_t i) { return i + 1 < items.size() && equals_previous[i + 1]; };
    std::size_t n_tied = 0;
    for (std::size_t i = 0; i < items.size(); ++i) n_tied += equals_previous[i] || equals_next(i) ? 1 : 0;
    TiedMembers<Pos> tied(n_tied);
    std::uint64_t rank = first_rank;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i + kPrefetchAhead < items.size()) sample_.prefetch_index_of_member(items[i + kPrefetchAhead].position);
      if (!equals_previous[i]) rank = first_rank + i;
      items[i] = {rank, sample_.index_of_member(items[i].position)};
      if (equals_previous[i] || equals_next(i)) tied.add(items[i].position, static_cast<Pos>(rank));
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i + kPrefetchAhead < items.size()) __builtin_prefetch(&ranks_[items[i + kPrefetchAhead].position], 1);
      ranks_[items[i].position] = static_cast<Pos>(items[i].key());
    }
    return tied;
  }

  static constexpr std::size_t kPrefetchAhead = 32;
  Minimizers<Token, Pos> sample_;
  LargeArray<Pos> ranks_;
};

}  // namespace infgram
