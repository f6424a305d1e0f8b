// The order of a sample of all suffixes, which decides between any two suffixes that agree for long.
//
// Source: prefix doubling over the groups that are still tied (Larsson, Sadakane, "Faster Suffix Sorting", 2007), on
// a sample (minimizers.hpp) instead of all suffixes; its worst case is O(n log n).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
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
  // Cost: m suffixes sorted to about `depth` tokens, then O(t log n) for the t of them that are tied; m is about
  // 2 n / depth (minimizers.hpp). Memory, in bytes for 32-bit positions: n / 4 + 4 m; 12 to 26 a suffix of a block and
  // thread; 8 a tied one. REQUIRES a text that ends with a separator; a depth that Minimizers takes.
  template <class Poll>
  SampleRanks(Text<Token> text, const Buckets<Token>& buckets, unsigned depth, std::uint64_t block_size,
              std::size_t n_threads, const Poll& poll)
      : sample_(text, depth, n_threads), ranks_(sample_.size()) {
    std::vector<TiedMembers<Pos>> tied = rank_first_tokens(text, buckets, block_size, n_threads, poll);
    std::vector<typename TiedMembers<Pos>::Scratch> scratch(n_threads);
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

  // Suffixes that agree in so many tokens and do not end there are told apart by their ranks.
  [[nodiscard]] unsigned depth() const { return sample_.context(); }

  // The rank that orders a suffix among such. In two steps, each with one random read that a prefetch can hide:
  // position to index, index to rank.
  [[nodiscard]] std::uint64_t index(std::uint64_t position) const { return sample_.index_of_minimum(position); }
  [[nodiscard]] std::uint64_t rank(std::uint64_t index) const { return ranks_[index]; }
  void prefetch_index(std::uint64_t position) const { sample_.prefetch_index_of_minimum(position); }
  void prefetch_rank(std::uint64_t index) const { __builtin_prefetch(&ranks_[index]); }

 private:
  // The sampled suffixes that begin with a token, as a selection for BlockSorter.
  struct Members {
    const Minimizers<Token, Pos>& sample;

    template <class F>
    void for_each(std::uint64_t begin, std::uint64_t end, const KeyRange<Token>& keys, F&& f) const {
      sample.for_each_member(begin, end, [&](std::uint64_t position) {
        if (keys.contains(position)) f(position);
      });
    }
  };

  // Ranks the sample by its first tokens. Returns the groups that these do not tell apart, whose rank is that of their
  // first member.
  template <class Poll>
  std::vector<TiedMembers<Pos>> rank_first_tokens(Text<Token> text, const Buckets<Token>& buckets,
                                                  std::uint64_t block_size, std::size_t n_threads, const Poll& poll) {
    Pos n_separators = 0;
    sample_.for_each_member(0, text.size(), [&](std::uint64_t position) {
      if (text[position] == Text<Token>::kSeparator) ranks_[sample_.index_of_member(position)] = n_separators++;
    });
    const Members members{sample_};
    const std::vector<Block> blocks =
        BlockCutter<Token, Members>(text, buckets, members, block_size, depth() + 1, n_threads).cut();
    std::vector<BlockSorter<Token, Pos>> sorters;
    for (std::size_t t = 0; t < n_threads; ++t) sorters.emplace_back(text, buckets, blocks);
    std::vector<TiedMembers<Pos>> tied(blocks.size());
    parallel_for(blocks.size(), n_threads, [&](std::size_t i, std::size_t worker) {
      std::vector<std::span<KeyedPosition<Pos>>> groups;
      const std::span<KeyedPosition<Pos>> items = sorters[worker].sort(
          blocks[i], members, depth() + 1,
          [&groups](auto batch) { groups.insert(groups.end(), batch.begin(), batch.end()); },
          [&] {
            if (worker == 0) poll();
          });
      set_first_ranks(items, groups, static_cast<Pos>(n_separators + blocks[i].first_rank), tied[i]);
    });
    std::erase_if(tied, [](const auto& group) { return group.empty(); });
    return tied;
  }

  // Items become members: positions turn into indices, keys into ranks, a group's into that of its first member.
  void set_first_ranks(std::span<KeyedPosition<Pos>> items, std::span<const std::span<KeyedPosition<Pos>>> groups,
                       Pos first_rank, TiedMembers<Pos>& tied) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i + kPrefetchAhead < items.size()) sample_.prefetch_index_of_member(items[i + kPrefetchAhead].position);
      items[i] = {first_rank + i, sample_.index_of_member(items[i].position)};
    }
    for (const auto& group : groups) {
      const std::uint64_t rank = group.front().key();
      for (auto& item : group) {
        item.set_key(rank);
        tied.add(item.position, static_cast<Pos>(rank));
      }
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i + kPrefetchAhead < items.size()) __builtin_prefetch(&ranks_[items[i + kPrefetchAhead].position], 1);
      ranks_[items[i].position] = static_cast<Pos>(items[i].key());
    }
  }

  static constexpr std::size_t kPrefetchAhead = 32;
  Minimizers<Token, Pos> sample_;
  LargeArray<Pos> ranks_;
};

}  // namespace infgram
