#include "suffix/suffix_sort.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <limits>
#include <vector>

#include "base/parallel.hpp"
#include "base/turnstile.hpp"
#include "suffix/block_sorter.hpp"
#include "suffix/blocks.hpp"
#include "suffix/sample_ranks.hpp"

namespace infgram {
namespace {

// All suffixes that begin with a token, as a selection for BlockSorter.
template <class Token>
struct AllSuffixes {
  template <class F>
  void for_each(std::uint64_t begin, std::uint64_t end, const KeyRange<Token>& keys, F&& f) const {
    keys.for_each(begin, end, f);
  }
};

// How the memory is spent.
struct Plan {
  unsigned depth;  // to which suffixes are sorted by tokens; the deeper, the smaller the sample
  std::uint64_t block_size;
};

Plan plan_for(std::uint64_t n_tokens, std::size_t token_bytes, std::size_t position_bytes,
              const SuffixSortOptions& options) {
  constexpr std::uint64_t kSmallestBlock = 1 << 15;
  constexpr std::uint64_t kLargestBlock = 1 << 22;
  // The most that bitmaps, ranks and ties of the sample take of ordinary text while it is ranked.
  const std::uint64_t dense_sample = n_tokens * position_bytes / 2;
  const std::uint64_t thin_sample = n_tokens * position_bytes * 3 / 16;
  const bool is_dense = options.memory_bytes >= dense_sample * 3 / 2;
  const std::uint64_t left =
      options.memory_bytes - std::min(options.memory_bytes, is_dense ? dense_sample : thin_sample);
  // A suffix of a thread's block, and what sorting the largest bucket takes beside it; one block may be twice as large.
  const std::uint64_t suffix_bytes = 2 * (8 + position_bytes) + 2;
  const std::uint64_t room = left / suffix_bytes / (options.n_threads + 1);
  const std::uint64_t enough_for_all = n_tokens / (8 * options.n_threads);  // blocks, so that no thread is idle
  return {.depth = (token_bytes == 1 ? 4 : 0) + (is_dense ? 13U : 29U),
          .block_size = std::max(kSmallestBlock, std::min({room, enough_for_all, kLargestBlock}))};
}

template <class Token, class Pos>
class SuffixSort {
 public:
  SuffixSort(Text<Token> text, TokenId largest_id, const Plan& plan, std::size_t n_threads, const SuffixSink& sink,
             const SortProgress& progress)
      : text_(text),
        buckets_(static_cast<Token>(largest_id)),
        plan_(plan),
        n_threads_(n_threads),
        sink_(sink),
        progress_(progress),
        sample_(text, buckets_, plan.depth, plan.block_size, n_threads, [this] { progress_(0); }) {}

  void run() {
    const AllSuffixes<Token> all;
    const std::vector<Block> blocks =
        BlockCutter<Token, AllSuffixes<Token>>(text_, buckets_, all, plan_.block_size, sample_.depth(), n_threads_)
            .cut();
    std::vector<BlockSorter<Token, Pos>> sorters;
    for (std::size_t t = 0; t < n_threads_; ++t) sorters.emplace_back(text_, buckets_, blocks);
    Turnstile turnstile;
    parallel_for(blocks.size(), n_threads_, [&](std::size_t i, std::size_t worker) {
      auto& sorter = sorters[worker];
      const auto poll = [&] {
        if (worker == 0) progress_(n_emitted_);
      };
      try {
        const auto items =
            sorter.sort(blocks[i], all, sample_.depth(), [&](auto groups) { sort_by_ranks(sorter, groups); }, poll);
        turnstile.pass(i, [&] { emit(items); }, poll);
      } catch (...) {
        turnstile.close();
        throw;
      }
    });
    progress_(n_emitted_);
  }

 private:
  using Item = KeyedPosition<Pos>;

  void sort_by_ranks(BlockSorter<Token, Pos>& sorter, std::span<const std::span<Item>> groups) const {
    sorter.set_keys(
        groups, [this](const Item& item) { sample_.prefetch_index(item.position); },
        [this](const Item& item) { return sample_.index(item.position); });
    sorter.set_keys(
        groups, [this](const Item& item) { sample_.prefetch_rank(item.key()); },
        [this](const Item& item) { return sample_.rank(item.key()); });
    for (const auto& group : groups) sorter.sort_by_keys(group);
  }

  void emit(std::span<const Item> items) {
    std::array<std::uint64_t, 4096> piece;
    for (std::size_t begin = 0; begin < items.size(); begin += piece.size()) {
      const std::size_t n = std::min(piece.size(), items.size() - begin);
      for (std::size_t i = 0; i < n; ++i) piece[i] = items[begin + i].position;
      sink_(std::span(piece).first(n));
    }
    n_emitted_ += items.size();
  }

  Text<Token> text_;
  Buckets<Token> buckets_;
  Plan plan_;
  std::size_t n_threads_;
  const SuffixSink& sink_;
  const SortProgress& progress_;
  SampleRanks<Token, Pos> sample_;
  std::atomic<std::uint64_t> n_emitted_ = 0;
};

}  // namespace

void sort_suffixes(const AnyText& text, TokenId largest_id, const SuffixSortOptions& options, const SuffixSink& sink,
                   const SortProgress& progress) {
  text.visit([&]<class Token>(Text<Token> typed) {
    const auto sort_with = [&]<class Pos>(Pos) {
      const Plan plan = plan_for(typed.size(), sizeof(Token), sizeof(Pos), options);
      SuffixSort<Token, Pos>(typed, largest_id, plan, options.n_threads, sink, progress).run();
    };
    if (text.size <= std::numeric_limits<std::uint32_t>::max()) {
      sort_with(std::uint32_t{});
    } else {
      sort_with(std::uint64_t{});
    }
  });
}

}  // namespace infgram
