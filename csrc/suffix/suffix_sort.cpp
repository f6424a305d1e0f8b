#include "suffix/suffix_sort.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "base/parallel.hpp"
#include "base/turnstile.hpp"
#include "suffix/block_sorter.hpp"
#include "suffix/blocks.hpp"
#include "suffix/minimizers.hpp"
#include "suffix/sample_ranks.hpp"
#include "suffix/tied_blocks.hpp"

namespace infgram {
namespace {

// All suffixes that begin with a token, as a SuffixSelection.
template <StoredToken Token>
struct AllSuffixes {
  template <PositionVisitor F>
  void for_each(std::uint64_t begin, std::uint64_t end, const KeyRange<Token>& keys, F&& f) const {
    keys.for_each(begin, end, f);
  }
};

// Divides the memory between the sample and the blocks.
template <StoredToken Token, StoredPosition Pos>
class Plan {
 public:
  Plan(Text<Token> text, const SuffixSortOptions& options) : text_(text), options_(options) {}

  // A sample that leaves enough memory for blocks. A larger context gives a smaller sample.
  [[nodiscard]] Minimizers<Token, Pos> sample() const {
    constexpr std::uint64_t kMostBlocks = 64;  // each block costs one pass over the text
    constexpr unsigned kMore = sizeof(Token) == 1 ? 4 : 0;
    for (const unsigned depth : {13U, 29U}) {
      Minimizers<Token, Pos> sample(text_, depth + kMore, options_.n_threads);
      if (room(sample.size(), kRankingBytes) >= text_.size() / kMostBlocks) return sample;
    }
    return Minimizers<Token, Pos>(text_, 61 + kMore, options_.n_threads);
  }

  // The sizes of blocks while the sample is ranked, and afterwards.
  [[nodiscard]] BlockSizes first_block_sizes(std::uint64_t sample_size) const {
    return sizes(room(sample_size, kRankingBytes));
  }
  [[nodiscard]] BlockSizes block_sizes(std::uint64_t sample_size) const {
    return sizes(room(sample_size, sizeof(Pos)));
  }

 private:
  static constexpr std::uint64_t kRankingBytes = 3 * sizeof(Pos);  // per member of the sample, if it is tied
  static constexpr std::uint64_t kSuffixBytes = 2 * sizeof(KeyedPosition<Pos>) + 2;  // while its block is sorted

  // The number of suffixes that each thread can sort at a time, given a sample and its bitmap.
  [[nodiscard]] std::uint64_t room(std::uint64_t sample_size, std::uint64_t member_bytes) const {
    constexpr std::uint64_t kTables = 8 << 20;  // lists of blocks and counts of buckets
    const std::uint64_t taken = kTables + text_.size() / 4 + sample_size * member_bytes;
    return (options_.memory_bytes - std::min(options_.memory_bytes, taken)) / kSuffixBytes / options_.n_threads;
  }

  [[nodiscard]] BlockSizes sizes(std::uint64_t largest) const {
    constexpr std::uint64_t kSmallest = 1 << 15;
    constexpr std::uint64_t kEnough = 1 << 22;
    const std::uint64_t enough_for_all =
        text_.size() / (8 * options_.n_threads);  // blocks of this size keep every thread busy
    return {.wanted = std::max(kSmallest, std::min({largest, enough_for_all, kEnough})),
            .largest = std::max(kSmallest, largest)};
  }

  Text<Token> text_;
  SuffixSortOptions options_;
};

template <StoredToken Token, StoredPosition Pos>
class SuffixSort {
 public:
  SuffixSort(Text<Token> text, TokenId largest_id, const SuffixSortOptions& options, const SuffixSink& sink,
             const SortProgress& progress)
      : text_(text),
        buckets_(static_cast<Token>(largest_id)),
        plan_(text, options),
        n_threads_(options.n_threads),
        sink_(sink),
        progress_(progress),
        sample_(ranked(plan_.sample())) {}

  void run() {
    const AllSuffixes<Token> all;
    const BlockSizes block_sizes = plan_.block_sizes(sample_.size());
    const std::vector<Block> blocks = divide_tied(
        text_,
        BlockPartitioner<Token, AllSuffixes<Token>>(text_, buckets_, all, block_sizes, sample_.depth(), n_threads_)
            .partition(),
        all, sample_, block_sizes.wanted, n_threads_);
    std::vector<BlockSorter<Token, Pos>> sorters;
    sorters.reserve(n_threads_);
    for (std::size_t t = 0; t < n_threads_; ++t) sorters.emplace_back(text_, buckets_, blocks);
    Turnstile turnstile;
    parallel_for(blocks.size(), n_threads_, [&](std::size_t i, std::size_t worker) {
      auto& sorter = sorters[worker];
      const auto poll = [&] {
        if (worker == 0) progress_(n_emitted_);
      };
      try {
        const auto rank = [this](Position position) { return sample_.rank_at(position); };
        const auto items = blocks[i].is_tied ? sorter.sort_tied(blocks[i], all, rank)
                                             : sorter.sort(
                                                   blocks[i], all, sample_.depth(),
                                                   [&](auto groups) { sort_by_ranks(sorter, groups); }, poll);
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

  [[nodiscard]] SampleRanks<Token, Pos> ranked(Minimizers<Token, Pos> sample) const {
    const BlockSizes block_sizes = plan_.first_block_sizes(sample.size());
    return SampleRanks<Token, Pos>(text_, std::move(sample), buckets_, block_sizes, n_threads_,
                                   [this] { progress_(0); });
  }

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
  Plan<Token, Pos> plan_;
  std::size_t n_threads_;
  const SuffixSink& sink_;
  const SortProgress& progress_;
  SampleRanks<Token, Pos> sample_;
  std::atomic<std::uint64_t> n_emitted_ = 0;
};

}  // namespace

void sort_suffixes(const AnyText& text, TokenId largest_id, const SuffixSortOptions& options, const SuffixSink& sink,
                   const SortProgress& progress) {
  text.visit_by_token_id([&]<class Token>(Text<Token> typed) {
    const auto sort_with = [&]<class Pos>(Pos) {
      SuffixSort<Token, Pos>(typed, largest_id, options, sink, progress).run();
    };
    if (text.size <= std::numeric_limits<std::uint32_t>::max()) {
      sort_with(std::uint32_t{});
    } else {
      sort_with(std::uint64_t{});
    }
  });
}

}  // namespace infgram
