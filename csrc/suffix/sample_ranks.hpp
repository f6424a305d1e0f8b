// The ranks of sampled suffixes, which decide the order of any two suffixes that share many tokens.
//
// Source: prefix doubling over the groups that are still tied (Larsson, Sadakane, "Faster Suffix Sorting", 2007),
// applied to a sample (minimizers.hpp) instead of all suffixes. Worst case O(n log n).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/concepts.hpp"
#include "base/large_array.hpp"
#include "base/parallel.hpp"
#include "suffix/block_sorter.hpp"
#include "suffix/blocks.hpp"
#include "suffix/minimizers.hpp"
#include "suffix/tied_members.hpp"

namespace infgram {

// The ranks of the sampled suffixes among themselves. Immutable after construction; safe for concurrent readers.
template <StoredToken Token, StoredPosition Pos>
class SampleRanks {
 public:
  // Cost: sorts m suffixes to about the sample's context, then O(t log n) for the t tied ones; m is about 2 n / context
  // (minimizers.hpp). Memory in bytes for 32-bit positions: n / 4 + 4 m, plus 8 t, plus the blocks; per thread at least
  // 26 per suffix of the smallest block and of the largest tied group. REQUIRES a text that ends with a separator.
  template <class Poll>
  SampleRanks(Text<Token> text, Minimizers<Token, Pos> sample, const Buckets<Token>& buckets,
              const BlockSizes& block_sizes, std::size_t n_threads, const Poll& poll)
      : sample_(std::move(sample)), ranks_(sample_.size()) {
    std::vector<TiedMembers<Pos>> tied = rank_first_tokens(text, buckets, block_sizes, n_threads, poll);
    std::size_t largest_group_size = 0;
    for (auto& group : tied) largest_group_size = std::max(largest_group_size, group.largest_group_size());
    std::vector<typename TiedMembers<Pos>::Scratch> scratch;
    scratch.reserve(n_threads);
    for (std::size_t t = 0; t < n_threads; ++t) scratch.emplace_back(largest_group_size);
    for (std::uint64_t n_steps = 1; !tied.empty(); n_steps *= 2) {
      parallel_for(tied.size(), n_threads, [&](std::size_t i, std::size_t worker) {
        tied[i].refine(ranks_, n_steps, scratch[worker]);
        if (worker == 0) poll();
      });
      // Set new ranks only after all groups are sorted, so that none sees a mixture of old and new ranks.
      parallel_for(tied.size(), n_threads, [&](std::size_t i, std::size_t) { tied[i].set_ranks(ranks_); });
      std::erase_if(tied, [](const auto& group) { return group.empty(); });
    }
    sample_.turn_to_windows();
  }

  [[nodiscard]] std::uint64_t size() const { return ranks_.size(); }

  // Suffixes that share this many tokens and do not end there are ordered by their ranks.
  [[nodiscard]] unsigned depth() const { return sample_.context(); }

  // The rank that orders such a suffix. Two steps, each with one random read that can be prefetched: position to index,
  // index to rank.
  [[nodiscard]] std::uint64_t index(Position position) const { return sample_.index_of_minimum(position); }
  [[nodiscard]] std::uint64_t rank(std::uint64_t index) const { return ranks_[index]; }
  [[nodiscard]] std::uint64_t rank_at(Position position) const { return rank(index(position)); }
  void prefetch_index(Position position) const { sample_.prefetch_index_of_minimum(position); }
  void prefetch_rank(std::uint64_t index) const { __builtin_prefetch(&ranks_[index]); }

 private:
  // The sampled suffixes that begin with a token, as a SuffixSelection.
  struct Members {
    const Minimizers<Token, Pos>& sample;

    template <PositionVisitor F>
    void for_each(std::uint64_t begin, std::uint64_t end, const KeyRange<Token>& keys, F&& f) const {
      keys.for_each(begin, end, [&](Position position) {
        if (sample.is_member(position)) f(position);
      });
    }
  };

  // Ranks the sample by first tokens. Returns the tied groups; the rank of a group is that of its first member.
  template <class Poll>
  std::vector<TiedMembers<Pos>> rank_first_tokens(Text<Token> text, const Buckets<Token>& buckets,
                                                  const BlockSizes& block_sizes, std::size_t n_threads,
                                                  const Poll& poll) {
    Pos n_separators = 0;
    sample_.for_each_member(0, text.size(), [&](Position position) {
      if (text[position] == Text<Token>::kSeparator) ranks_[sample_.index_of_member(position)] = n_separators++;
    });
    const Members members{sample_};
    const std::vector<Block> blocks =
        BlockPartitioner<Token, Members>(text, buckets, members, block_sizes, depth() + 1, n_threads).partition();
    std::vector<BlockSorter<Token, Pos>> sorters;
    sorters.reserve(n_threads);
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
    for_each_suffix(text, members, 0, text.size(), block, [&](Position position) {
      const Pos member = sample_.index_of_member(position);
      ranks_[member] = rank;
      tied.add(member, rank);
    });
    return tied;
  }

  // Turns the items into members: positions into indices, keys into ranks; equal items share the rank of the first.
  // Returns the groups of equal items.
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
