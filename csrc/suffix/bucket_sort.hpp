// Sorting many suffixes on several threads: bucket by first tokens, then sort the buckets to a bounded depth.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/large_array.hpp"
#include "base/parallel.hpp"
#include "suffix/group_sorter.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Which bucket a suffix belongs to: its first token (two of 8 bits; of 32 bits at most the highest 18).
// Buckets ascend with the order of suffixes.
template <class Token>
class Buckets {
 public:
  explicit Buckets(Token largest_id) {
    const auto id_bits = static_cast<unsigned>(std::bit_width(std::uint64_t{largest_id} + 1));
    shift_ = sizeof(Token) < 4 ? 48 : 32 + std::max(0, static_cast<int>(id_bits) - kMaxIdBits);
    const std::uint64_t largest = sizeof(Token) == 4   ? (std::uint64_t{largest_id} + 1) >> (shift_ - 32)
                                  : sizeof(Token) == 2 ? std::uint64_t{largest_id} + 1
                                                       : (std::uint64_t{largest_id} + 1) * 256 + largest_id + 1;
    n_buckets_ = static_cast<std::size_t>(largest) + 1;
  }

  [[nodiscard]] std::size_t size() const { return n_buckets_; }
  [[nodiscard]] std::size_t of(std::uint64_t key) const { return key >> shift_; }

  // The tokens that all suffixes of a bucket share.
  [[nodiscard]] unsigned depth() const { return sizeof(Token) == 4 ? (shift_ == 32 ? 1 : 0) : 2 / sizeof(Token); }

  // Whether all suffixes of the bucket end within depth() tokens: they stand in order already.
  [[nodiscard]] bool ends(std::size_t bucket) const {
    if (depth() == 0) return false;
    return sizeof(Token) == 1 ? bucket % 256 == 0 : bucket == 0;
  }

 private:
  static constexpr int kMaxIdBits = 18;
  unsigned shift_;
  std::size_t n_buckets_;
};

// Sorts a set of suffixes bucket by bucket. The set is given as `selection.for_each(lo, hi, f)`, which calls
// f(position) for its members in [lo, hi) in ascending order.
template <class Token, class Pos, class Selection>
class BucketSort {
 public:
  // Counts the buckets. Cost: one pass over the text; 8 bytes a bucket and thread.
  BucketSort(Text<Token> text, Token largest_id, Selection selection, std::size_t n_threads)
      : text_(text), buckets_(largest_id), selection_(selection), n_threads_(n_threads), counts_(n_threads) {
    for (std::size_t t = 0; t < n_threads; ++t) sorters_.emplace_back(text, largest_id);
    parallel_for(n_threads, n_threads, [&](std::size_t chunk, std::size_t) {
      counts_[chunk].resize(buckets_.size());
      for_each_in_chunk(chunk, [&](std::size_t bucket, Pos) { ++counts_[chunk][bucket]; });
    });
  }

  [[nodiscard]] std::size_t n_buckets() const { return buckets_.size(); }

  [[nodiscard]] std::uint64_t bucket_size(std::size_t bucket) const {
    std::uint64_t size = 0;
    for (const auto& counts : counts_) size += counts[bucket];
    return size;
  }

  // Sorts the suffixes of buckets [first, last) into `positions`, which has exactly their number of places. Runs that
  // agree in kDeepDepth tokens or more may be left in text order; they are returned, in no particular order.
  // Cost: one pass over the text, then as GroupSorter::sort. `poll` is called now and then on the caller's thread.
  template <class Poll>
  std::vector<Run<Pos>> sort(std::size_t first, std::size_t last, LargeArray<Pos>& positions, const Poll& poll) {
    const std::vector<std::uint64_t> starts = scatter(first, last, positions);
    const std::vector<std::vector<Run<Pos>>> tasks = cut_into_tasks(first, starts, positions);
    std::vector<std::vector<Run<Pos>>> deep(n_threads_);
    parallel_for(tasks.size(), n_threads_, [&](std::size_t task, std::size_t worker) {
      sorters_[worker].sort(tasks[task], buckets_.depth(), deep[worker]);
      if (worker == 0) poll();
    });
    std::vector<Run<Pos>> runs;
    for (const auto& part : deep) runs.insert(runs.end(), part.begin(), part.end());
    return runs;
  }

 private:
  static constexpr std::size_t kTaskSize = 1 << 16;

  // Large buckets alone and small ones together; the largest first, so that no thread is left with one at the end.
  std::vector<std::vector<Run<Pos>>> cut_into_tasks(std::size_t first, const std::vector<std::uint64_t>& starts,
                                                    LargeArray<Pos>& positions) const {
    std::vector<std::vector<Run<Pos>>> large;
    std::vector<std::vector<Run<Pos>>> small(1);
    std::size_t n_small = 0;
    for (std::size_t i = 0; i + 1 < starts.size(); ++i) {
      const Run<Pos> bucket{positions.data() + starts[i], positions.data() + starts[i + 1]};
      if (bucket.size() < 2 || buckets_.ends(first + i)) continue;
      if (bucket.size() > kTaskSize) {
        large.push_back({bucket});
        continue;
      }
      small.back().push_back(bucket);
      n_small += bucket.size();
      if (n_small > small.size() * kTaskSize) small.emplace_back();
    }
    std::ranges::stable_sort(large, std::greater{}, [](const auto& task) { return task.front().size(); });
    large.insert(large.end(), small.begin(), small.end());
    return large;
  }

  template <class F>
  void for_each_in_chunk(std::size_t chunk, F&& f) const {
    const std::uint64_t lo = text_.size() * chunk / n_threads_;
    const std::uint64_t hi = text_.size() * (chunk + 1) / n_threads_;
    selection_.for_each(
        lo, hi, [&](std::uint64_t position) { f(buckets_.of(text_.key(position)), static_cast<Pos>(position)); });
  }

  // Puts the positions into their buckets, in text order. Returns where each bucket starts.
  std::vector<std::uint64_t> scatter(std::size_t first, std::size_t last, LargeArray<Pos>& positions) {
    std::vector<std::uint64_t> starts(last - first + 1);
    std::vector<std::vector<Pos>> next(n_threads_, std::vector<Pos>(last - first));
    for (std::size_t i = 0; i < last - first; ++i) {
      std::uint64_t start = starts[i];
      for (std::size_t chunk = 0; chunk < n_threads_; ++chunk) {
        next[chunk][i] = static_cast<Pos>(start);
        start += counts_[chunk][first + i];
      }
      starts[i + 1] = start;
    }
    parallel_for(n_threads_, n_threads_, [&](std::size_t chunk, std::size_t) {
      std::vector<Pos>& places = next[chunk];
      for_each_in_chunk(chunk, [&](std::size_t bucket, Pos position) {
        if (bucket - first < places.size()) positions[places[bucket - first]++] = position;
      });
    });
    return starts;
  }

  Text<Token> text_;
  Buckets<Token> buckets_;
  Selection selection_;
  std::size_t n_threads_;
  std::vector<std::vector<Pos>> counts_;  // [chunk][bucket]
  std::vector<GroupSorter<Token, Pos>> sorters_;
};

}  // namespace infgram
