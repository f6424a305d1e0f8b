// Ranks of a sample of suffixes that decide between any two suffixes which agree in their first 64 tokens.
//
// Source: Burkhardt, Kärkkäinen, "Fast Lightweight Suffix Array Construction and Checking", CPM 2003: with D a
// difference cover modulo v, any i and j have a shift s < v with (i + s) mod v and (j + s) mod v both in D, so that
// ranks of the positions whose residue is in D decide the order of i and j once their first v tokens agree.
// The sample is ranked by its first v tokens, then by prefix doubling over the groups that are still tied
// (Larsson, Sadakane, "Faster Suffix Sorting", 2007), whose worst case is O(n log n).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/large_array.hpp"
#include "base/parallel.hpp"
#include "suffix/bucket_sort.hpp"
#include "suffix/text.hpp"

namespace infgram {

// A difference cover modulo 64: every residue is a difference of two of its 9 members.
namespace difference_cover {

inline constexpr unsigned kModulus = kDeepDepth;
inline constexpr std::array<std::uint8_t, 9> kResidues = {1, 2, 3, 6, 15, 17, 35, 43, 60};
inline constexpr unsigned kSize = kResidues.size();

// For each residue which member of the cover it is, kSize if none.
using Members = std::array<std::uint8_t, kModulus>;
inline constexpr Members kMembers = [] {
  Members members{};
  members.fill(kSize);
  for (std::uint8_t m = 0; m < kSize; ++m) members[kResidues[m]] = m;
  return members;
}();

// For each pair of residues the smallest shift that brings both into the cover.
using Shifts = std::array<std::array<std::uint8_t, kModulus>, kModulus>;
inline constexpr Shifts kShifts = [] {
  Shifts shifts{};
  for (unsigned i = 0; i < kModulus; ++i) {
    for (unsigned j = 0; j < kModulus; ++j) {
      unsigned shift = 0;  // a pair that no shift serves would not compile: the loop would not end
      while (kMembers[(i + shift) % kModulus] == kSize || kMembers[(j + shift) % kModulus] == kSize) ++shift;
      shifts[i][j] = static_cast<std::uint8_t>(shift);
    }
  }
  return shifts;
}();

}  // namespace difference_cover

// The positions whose residue is in the cover, as a selection for BucketSort.
struct CoverPositions {
  template <class F>
  void for_each(std::uint64_t lo, std::uint64_t hi, F&& f) const {
    constexpr unsigned v = difference_cover::kModulus;
    for (std::uint64_t block = lo / v * v; block < hi; block += v) {
      for (const std::uint64_t residue : difference_cover::kResidues) {
        if (block + residue >= lo && block + residue < hi) f(block + residue);
      }
    }
  }
};

// Ranks of the sampled suffixes among themselves. Immutable after construction; safe for concurrent readers.
template <class Token, class Pos>
class SampleRanks {
 public:
  // Cost: 9/64 n suffixes sorted to 64 tokens, then O(t log n) for the t that are tied; 1.2 n bytes for 32-bit
  // positions while it works, 0.6 n after. REQUIRES a text that ends with a separator.
  template <class Poll>
  SampleRanks(Text<Token> text, Token largest_id, std::size_t n_threads, const Poll& poll)
      : n_blocks_((text.size() + difference_cover::kModulus - 1) / difference_cover::kModulus),
        ranks_(n_blocks_ * difference_cover::kSize) {
    BucketSort<Token, Pos, CoverPositions> sample(text, largest_id, {}, n_threads);
    std::uint64_t n_sampled = 0;
    for (std::size_t bucket = 0; bucket < sample.n_buckets(); ++bucket) n_sampled += sample.bucket_size(bucket);
    LargeArray<Pos> order(n_sampled);
    std::vector<Run<Pos>> tied = sample.sort(0, sample.n_buckets(), order, poll);

    for (std::uint64_t i = 0; i < n_sampled; ++i) ranks_[index(order[i])] = static_cast<Pos>(i);
    for (const Run<Pos>& run : tied) {
      for (Pos* place = run.begin; place < run.end; ++place) {
        ranks_[index(*place)] = static_cast<Pos>(run.begin - order.data());
      }
    }
    for (std::uint64_t n_steps = 1; !tied.empty(); n_steps *= 2)
      tied = double_depth(order, tied, n_steps, n_threads, poll);
  }

  // What sorting a run needs beside it, kept between calls; one a thread.
  struct Scratch {
    std::vector<KeyedPosition<Pos>> items;
    std::vector<KeyedPosition<Pos>> items_scratch;
    std::vector<Pos> merged;
  };

  // Sorts suffixes that agree in kDeepDepth tokens and do not end there.
  // Members of one residue share the shift to a sampled position, whose ranks are their keys; the at most 64 sorted
  // residues are then merged by comparing ranks. Cost: O(m) for the keys, then at most 6 comparisons a member.
  void sort(const Run<Pos>& run, Scratch& scratch) const {
    if (run.size() <= kSmallRun) {
      std::sort(run.begin, run.end, [this](Pos a, Pos b) { return less(a, b); });
      return;
    }
    std::vector<std::size_t> ends = sort_residues(run, scratch);
    scratch.merged.resize(run.size());
    while (ends.size() > 1) ends = merge_neighbours(run, ends, scratch.merged);
  }

 private:
  static constexpr std::size_t kSmallRun = 256;

  // Whether suffix i sorts before suffix j. Cost: two random reads.
  [[nodiscard]] bool less(std::uint64_t i, std::uint64_t j) const {
    const std::uint64_t shift = difference_cover::kShifts[i % kDeepDepth][j % kDeepDepth];
    return ranks_[index(i + shift)] < ranks_[index(j + shift)];
  }

  // Groups the run by residue and sorts each group. Returns where the groups end.
  std::vector<std::size_t> sort_residues(const Run<Pos>& run, Scratch& scratch) const {
    std::array<std::size_t, kDeepDepth + 1> starts{};
    for (const Pos* place = run.begin; place < run.end; ++place) ++starts[*place % kDeepDepth + 1];
    for (std::size_t residue = 0; residue < kDeepDepth; ++residue) starts[residue + 1] += starts[residue];

    auto next = starts;
    scratch.items.resize(run.size());
    for (const Pos* place = run.begin; place < run.end; ++place) {
      const std::uint64_t residue = *place % kDeepDepth;
      const std::uint64_t sampled = *place + difference_cover::kShifts[residue][residue];
      scratch.items[next[residue]++] = {ranks_[index(sampled)], *place};
    }
    std::vector<std::size_t> ends;
    for (std::size_t residue = 0; residue < kDeepDepth; ++residue) {
      const std::size_t size = starts[residue + 1] - starts[residue];
      if (size == 0) continue;
      sort_by_key(std::span(scratch.items).subspan(starts[residue], size), scratch.items_scratch);
      ends.push_back(starts[residue + 1]);
    }
    for (std::size_t i = 0; i < run.size(); ++i) run.begin[i] = scratch.items[i].position;
    return ends;
  }

  // Merges each two neighbouring sorted groups into one. Returns where the new groups end.
  std::vector<std::size_t> merge_neighbours(const Run<Pos>& run, const std::vector<std::size_t>& ends,
                                            std::vector<Pos>& merged) const {
    std::vector<std::size_t> new_ends;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < ends.size(); i += 2) {
      const std::size_t end = ends[std::min(i + 1, ends.size() - 1)];
      std::merge(run.begin + begin, run.begin + ends[i], run.begin + ends[i], run.begin + end, merged.data() + begin,
                 [this](Pos a, Pos b) { return less(a, b); });
      new_ends.push_back(end);
      begin = end;
    }
    std::copy(merged.begin(), merged.end(), run.begin);
    return new_ends;
  }

  // Sampled positions of one residue stand together, so that 64 tokens further on is the next entry.
  [[nodiscard]] std::uint64_t index(std::uint64_t position) const {
    return difference_cover::kMembers[position % kDeepDepth] * n_blocks_ + position / kDeepDepth;
  }

  // Given runs tied in n_steps * 64 tokens, orders each by the ranks that far on. Returns the runs still tied.
  // New ranks are set only when all runs are sorted: a run must not see a mixture of old and new ones.
  template <class Poll>
  std::vector<Run<Pos>> double_depth(const LargeArray<Pos>& order, const std::vector<Run<Pos>>& tied,
                                     std::uint64_t n_steps, std::size_t n_threads, const Poll& poll) {
    constexpr std::size_t kRunsPerTask = 256;
    std::vector<Worker> workers(n_threads);
    const std::size_t n_tasks = (tied.size() + kRunsPerTask - 1) / kRunsPerTask;
    parallel_for(n_tasks, n_threads, [&](std::size_t task, std::size_t w) {
      const std::size_t last = std::min(tied.size(), (task + 1) * kRunsPerTask);
      for (std::size_t r = task * kRunsPerTask; r < last; ++r) {
        sort_run(tied[r], static_cast<std::uint64_t>(tied[r].begin - order.data()), n_steps, workers[w]);
      }
      if (w == 0) poll();
    });
    parallel_for(n_threads, n_threads, [&](std::size_t w, std::size_t) {
      for (const NewRank& next : workers[w].new_ranks) ranks_[next.index] = next.rank;
    });
    std::vector<Run<Pos>> result;
    for (const Worker& w : workers) result.insert(result.end(), w.still_tied.begin(), w.still_tied.end());
    return result;
  }

  struct NewRank {
    Pos index;
    Pos rank;
  };

  struct Worker {
    std::vector<KeyedPosition<Pos>> items;
    std::vector<KeyedPosition<Pos>> scratch;
    std::vector<NewRank> new_ranks;
    std::vector<Run<Pos>> still_tied;
  };

  void sort_run(const Run<Pos>& run, std::uint64_t first_rank, std::uint64_t n_steps, Worker& worker) const {
    auto& items = worker.items;
    items.clear();
    for (const Pos* place = run.begin; place < run.end; ++place) {
      items.push_back({ranks_[index(*place) + n_steps], *place});
    }
    sort_by_key(std::span(items), worker.scratch);
    for (std::size_t i = 0; i < items.size();) {
      const std::size_t begin = i;
      for (; i < items.size() && items[i].key == items[begin].key; ++i) {
        run.begin[i] = items[i].position;
        if (begin > 0) {
          const auto place = static_cast<Pos>(index(items[i].position));
          worker.new_ranks.push_back({place, static_cast<Pos>(first_rank + begin)});
        }
      }
      if (i - begin > 1) worker.still_tied.push_back({run.begin + begin, run.begin + i});
    }
  }

  std::uint64_t n_blocks_;
  LargeArray<Pos> ranks_;
};

}  // namespace infgram
