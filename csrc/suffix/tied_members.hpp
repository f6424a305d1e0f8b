// Groups of tied sampled suffixes, and one round of prefix doubling over them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/concepts.hpp"
#include "base/large_array.hpp"
#include "suffix/key_sort.hpp"
#include "suffix/keyed_position.hpp"

namespace infgram {

// Members of the sample, by index in text order, with their ranks. The members of a tied group have the same rank and
// ascending indices. Not thread-safe.
template <StoredPosition Pos>
class TiedMembers {
 public:
  TiedMembers() = default;
  explicit TiedMembers(std::size_t capacity) : members_(capacity), new_ranks_(capacity) {}

  [[nodiscard]] bool empty() const { return size_ == 0; }

  // REQUIRES that fewer than `capacity` members were added.
  void add(Pos member, Pos rank) {
    members_[size_] = member;
    new_ranks_[size_++] = rank;
  }

  [[nodiscard]] std::size_t largest_group_size() {
    std::size_t largest = 0;
    for_each_group(
        [&](std::size_t, std::span<Pos> members, std::span<Pos>) { largest = std::max(largest, members.size()); });
    return largest;
  }

  // Working memory for sorting a group, reused between calls; one per thread.
  struct Scratch {
    explicit Scratch(std::size_t largest_group_size) : items(largest_group_size), key_sort(largest_group_size) {}

    LargeArray<KeyedPosition<Pos>> items;
    KeySort<KeyedPosition<Pos>> key_sort;
  };

  // Given groups that are tied in n_steps members of the sample, orders each group by the ranks n_steps members further
  // on; afterwards up to twice as many steps are decided.
  void refine(const LargeArray<Pos>& ranks, std::uint64_t n_steps, Scratch& scratch) {
    for_each_group([&](std::size_t begin, std::span<Pos> members, std::span<Pos> new_ranks) {
      const std::uint64_t period = smallest_gap(members);
      if (period <= n_steps) {
        refine_runs(members, new_ranks, ranks, n_steps, period, scratch);
        return;
      }
      const std::span items = std::span(scratch.items).first(members.size());
      for (std::size_t i = begin; i < begin + members.size(); ++i) {  // prefetches run on into the next groups
        if (i + kPrefetchAhead < size_) __builtin_prefetch(&ranks[members_[i + kPrefetchAhead] + n_steps]);
        items[i - begin] = {ranks[members_[i] + n_steps], members_[i]};
      }
      scratch.key_sort.sort(items.data(), items.size());
      place(items, members, new_ranks, new_ranks.front());
    });
  }

  // Stores the ranks that refine() computed, and drops the members that are no longer tied.
  void set_ranks(LargeArray<Pos>& ranks) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (i + kPrefetchAhead < size_) __builtin_prefetch(&ranks[members_[i + kPrefetchAhead]], 1);
      ranks[members_[i]] = new_ranks_[i];
    }
    std::size_t n_kept = 0;
    for_each_group([&](std::size_t, std::span<Pos> members, std::span<Pos> new_ranks) {
      if (members.size() == 1) return;
      for (std::size_t i = 0; i < members.size(); ++i, ++n_kept) {
        members_[n_kept] = members[i];
        new_ranks_[n_kept] = new_ranks[i];
      }
    });
    size_ = n_kept;
    if (size_ < members_.size() / 2) {
      shrink(members_);
      shrink(new_ranks_);
    }
  }

 private:
  static constexpr std::size_t kPrefetchAhead = 32;

  template <class F>
  void for_each_group(F&& f) {
    for (std::size_t begin = 0; begin < size_;) {
      std::size_t end = begin + 1;
      const Pos rank = new_ranks_[begin];
      while (end < size_ && new_ranks_[end] == rank) ++end;
      f(begin, std::span(members_).subspan(begin, end - begin), std::span(new_ranks_).subspan(begin, end - begin));
      begin = end;
    }
  }

  static std::uint64_t smallest_gap(std::span<const Pos> members) {
    Pos gap = static_cast<Pos>(-1);
    for (std::size_t i = 1; i < members.size(); ++i) gap = std::min<Pos>(gap, members[i] - members[i - 1]);
    return gap;
  }

  // Members of one group that are `period` <= n_steps apart lie in a run: from each, the text repeats with that period.
  // They form chains. The text after the last member of a chain breaks the repetition and sorts below or above it. If
  // below, a member sorts higher the more members of its chain follow; if above, lower. Members followed by equally
  // many are ordered by the rank n_steps after the last member of their chain. Cost: linear, whatever the length of the
  // run.
  void refine_runs(std::span<Pos> members, std::span<Pos> new_ranks, const LargeArray<Pos>& ranks,
                   std::uint64_t n_steps, std::uint64_t period, Scratch& scratch) {
    const Pos rank = new_ranks.front();
    std::vector<Chain> below;
    std::vector<Chain> above;
    for (std::size_t begin = 0; begin < members.size();) {
      std::size_t end = begin + 1;
      while (end < members.size() && members[end] - members[end - 1] == period) ++end;
      const Pos last = members[end - 1];
      (ranks[last + period] < rank ? below : above).push_back({ranks[last + n_steps], last, end - begin});
      begin = end;
    }
    std::size_t next = 0;
    for_each_layer(below, period, scratch, [&](std::span<const KeyedPosition<Pos>> layer) {
      place(layer, members.subspan(next, layer.size()), new_ranks.subspan(next, layer.size()),
            rank + static_cast<Pos>(next));
      next += layer.size();
    });
    next = members.size();
    for_each_layer(above, period, scratch, [&](std::span<const KeyedPosition<Pos>> layer) {
      next -= layer.size();
      place(layer, members.subspan(next, layer.size()), new_ranks.subspan(next, layer.size()),
            rank + static_cast<Pos>(next));
    });
  }

  struct Chain {
    std::uint64_t rank_after;
    Pos last;
    std::size_t n_members;
  };

  // Calls f with the members that are followed by 0, 1, 2, … members of their chain, ordered by rank_after, which is
  // their key.
  template <class F>
  static void for_each_layer(std::vector<Chain>& chains, std::uint64_t period, Scratch& scratch, const F& f) {
    std::ranges::stable_sort(chains, {}, &Chain::rank_after);
    for (std::size_t n_after = 0; !chains.empty(); ++n_after) {
      for (std::size_t i = 0; i < chains.size(); ++i) {
        scratch.items[i] = {chains[i].rank_after, static_cast<Pos>(chains[i].last - n_after * period)};
      }
      f(std::span<const KeyedPosition<Pos>>(scratch.items).first(chains.size()));
      std::erase_if(chains, [n_after](const Chain& chain) { return chain.n_members == n_after + 1; });
    }
  }

  // Writes sorted items back; equal keys share the rank of the first.
  static void place(std::span<const KeyedPosition<Pos>> items, std::span<Pos> members, std::span<Pos> new_ranks,
                    Pos first_rank) {
    Pos rank = first_rank;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0 && items[i].key() != items[i - 1].key()) rank = first_rank + static_cast<Pos>(i);
      members[i] = items[i].position;
      new_ranks[i] = rank;
    }
  }

  void shrink(LargeArray<Pos>& values) const {
    LargeArray<Pos> kept(size_);
    std::copy_n(values.data(), size_, kept.data());
    values = std::move(kept);
  }

  LargeArray<Pos> members_;
  LargeArray<Pos> new_ranks_;
  std::size_t size_ = 0;
};

}  // namespace infgram
