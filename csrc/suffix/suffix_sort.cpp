#include "suffix/suffix_sort.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <vector>

#include "suffix/bucket_sort.hpp"
#include "suffix/difference_cover.hpp"

namespace infgram {
namespace {

struct AllPositions {
  template <class F>
  void for_each(std::uint64_t lo, std::uint64_t hi, F&& f) const {
    for (std::uint64_t position = lo; position < hi; ++position) f(position);
  }
};

template <class Token, class Pos>
class SuffixSort {
 public:
  SuffixSort(Text<Token> text, TokenId largest_id, const SuffixSortOptions& options, const SuffixSink& sink,
             const SortProgress& progress, std::uint64_t n_to_skip)
      : text_(text),
        largest_id_(static_cast<Token>(largest_id)),
        options_(options),
        sink_(sink),
        progress_(progress),
        n_to_skip_(n_to_skip),
        buckets_(text, largest_id_, {}, options.n_threads) {}

  void run() {
    for (std::size_t first = 0; first < buckets_.n_buckets();) {
      std::uint64_t block_size = buckets_.bucket_size(first);
      std::size_t last = first + 1;
      for (; last < buckets_.n_buckets(); ++last) {
        const std::uint64_t size = buckets_.bucket_size(last);
        if (block_size + size > options_.block_size) break;
        block_size += size;
      }
      sort_block(first, last, block_size);
      first = last;
    }
  }

 private:
  void sort_block(std::size_t first, std::size_t last, std::uint64_t block_size) {
    positions_ = LargeArray<Pos>();  // the last block's memory goes back first
    positions_ = LargeArray<Pos>(block_size);
    const auto poll = [this] { progress_(n_sorted_); };
    const std::vector<Run<Pos>> deep = buckets_.sort(first, last, positions_, poll);
    if (!deep.empty()) {
      if (!sample_) sample_.emplace(text_, largest_id_, options_.n_threads, poll);
      std::vector<typename SampleRanks<Token, Pos>::Scratch> scratch(options_.n_threads);
      parallel_for(deep.size(), options_.n_threads, [&](std::size_t i, std::size_t worker) {
        sample_->sort(deep[i], scratch[worker]);
        if (worker == 0 && i % 1024 == 0) poll();
      });
    }
    emit();
    n_sorted_ += block_size;
    progress_(n_sorted_);
  }

  // Hands the block on, less the separators, which are the first suffixes of all.
  void emit() {
    std::array<std::uint64_t, 4096> piece;
    const std::uint64_t n_skipped = std::min<std::uint64_t>(n_to_skip_, positions_.size());
    n_to_skip_ -= n_skipped;
    for (const Pos* next = positions_.begin() + n_skipped; next != positions_.end();) {
      const auto n = std::min<std::ptrdiff_t>(piece.size(), positions_.end() - next);
      std::copy_n(next, n, piece.begin());
      sink_(std::span(piece).first(static_cast<std::size_t>(n)));
      next += n;
    }
  }

  Text<Token> text_;
  Token largest_id_;
  const SuffixSortOptions& options_;
  const SuffixSink& sink_;
  const SortProgress& progress_;
  std::uint64_t n_to_skip_;
  std::uint64_t n_sorted_ = 0;
  BucketSort<Token, Pos, AllPositions> buckets_;
  std::optional<SampleRanks<Token, Pos>> sample_;
  LargeArray<Pos> positions_;
};

}  // namespace

void sort_suffixes(const AnyText& text, TokenId largest_id, std::uint64_t n_documents, const SuffixSortOptions& options,
                   const SuffixSink& sink, const SortProgress& progress) {
  text.visit([&]<class Token>(Text<Token> mapped) {
    // A mapped file has small pages only. On huge ones most key reads save a page walk: a tenth of the time.
    LargeArray<Token> copy(mapped.size() + 2 * Text<Token>::kKeyTokens);
    std::copy_n(mapped.data(), mapped.size(), copy.data());
    const Text<Token> typed(copy.data(), mapped.size());
    if (text.size <= std::numeric_limits<std::uint32_t>::max()) {
      SuffixSort<Token, std::uint32_t>(typed, largest_id, options, sink, progress, n_documents).run();
    } else {
      SuffixSort<Token, std::uint64_t>(typed, largest_id, options, sink, progress, n_documents).run();
    }
  });
}

}  // namespace infgram
