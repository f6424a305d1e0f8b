// Minimizers: a sample of positions that equal pieces of text have in common.
//
// Source: Schleimer, Wilkerson, Aiken, "Winnowing", SIGMOD 2003. They serve to sort suffixes as the string
// synchronizing sets of Kempa and Kociumaka, STOC 2019, do.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/concepts.hpp"
#include "base/parallel.hpp"
#include "suffix/rank_bitmap.hpp"
#include "suffix/text.hpp"

namespace infgram {

// The minimizer of a window of positions is the first position whose next kTokens tokens are smallest, in a fixed
// pseudo-random order. The sample is the set of the minimizers of all windows. The minimizer of a window depends only
// on the `context` tokens from its start. So two suffixes that share `context` tokens and do not end there have their
// minimizers at the same distance, and the ranks of these two sampled suffixes decide their order. A separator is
// smaller than anything else, hence sampled.
//
// The next member after a sampled position also depends only on the text from there: it is the first smaller one less
// than a window away, or else the minimizer of the window that begins just after the position. So sampled suffixes that
// share context + 1 tokens have their next members at the same distance, and so on.
//
// In random text 2 of window + 1 positions are sampled; in runs with a short period, more.
template <StoredToken Token, StoredPosition Pos>
class Minimizers {
 public:
  // The number of tokens that are compared. More tokens give fewer minimizers in texts with few distinct tokens.
  static constexpr unsigned kTokens = Text<Token>::kKeyTokens;

  // Finds the members. Cost: one pass over the text; a quarter of a byte per position.
  // REQUIRES a text that ends with a separator; kTokens <= context < kTokens + kLargestWindow.
  Minimizers(Text<Token> text, unsigned context, std::size_t n_threads)
      : text_(text), context_(context), n_threads_(n_threads), members_(text.size()) {
    // A minimizer beyond the end of its chunk is inserted after all threads have finished.
    std::vector<std::vector<std::uint64_t>> beyond(n_threads);
    for_each_change([&](std::size_t chunk, std::uint64_t, std::uint64_t minimum, std::uint64_t chunk_end) {
      if (minimum < chunk_end) {
        members_.insert(minimum);
      } else {
        beyond[chunk].push_back(minimum);
      }
    });
    for (const auto& minima : beyond) {
      for (const std::uint64_t minimum : minima) members_.insert(minimum);
    }
    size_ = members_.count();
  }

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] unsigned context() const { return context_; }

  // Calls f(position) for every member in [begin, end), in ascending order.
  template <PositionVisitor F>
  void for_each_member(std::uint64_t begin, std::uint64_t end, F&& f) const {
    members_.for_each(begin, end, f);
  }

  [[nodiscard]] bool is_member(Position position) const { return members_.contains(position); }

  // The index of a member in text order. REQUIRES is_member(position).
  [[nodiscard]] Pos index_of_member(Position position) const { return members_.rank(position); }
  void prefetch_index_of_member(Position position) const { members_.prefetch(position); }

  // Replaces the members by an index for index_of_minimum(). Cost and memory are those of the constructor.
  void turn_to_windows() {
    members_ = RankBitmap<Pos>();
    changes_ = RankBitmap<Pos>(text_.size());
    for_each_change([&](std::size_t, Position position, std::uint64_t, std::uint64_t) { changes_.insert(position); });
    changes_.count();
  }

  // The index of the minimizer of the window that begins at `position`. Ascending windows have ascending minimizers, so
  // it is the number of windows up to this one whose minimizer differs from the previous one's, minus 1.
  [[nodiscard]] Pos index_of_minimum(Position position) const { return changes_.rank(position + 1) - 1; }
  void prefetch_index_of_minimum(Position position) const { changes_.prefetch(position + 1); }

 private:
  static constexpr std::uint64_t kLargestWindow = 64;

  // Calls f(chunk, position, minimum, chunk_end) for every window, given by its first position, whose minimizer differs
  // from that of the previous window. Runs on several threads, one chunk each; chunks are aligned to words of the
  // bitmaps.
  template <class F>
  void for_each_change(const F& f) const {
    const std::uint64_t n_words = text_.size() / RankBitmap<Pos>::kWordBits + 1;
    const auto begin_of = [&](std::size_t chunk) {
      return std::min(text_.size(), n_words * chunk / n_threads_ * RankBitmap<Pos>::kWordBits);
    };
    parallel_for(n_threads_, n_threads_, [&](std::size_t chunk, std::size_t) {
      const std::uint64_t end = chunk + 1 == n_threads_ ? text_.size() : begin_of(chunk + 1);
      Position position = begin_of(chunk);
      if (position == end) return;
      Window window(text_, position == 0 ? 0 : position - 1, context_ + 1 - kTokens);
      if (position == 0) f(chunk, position++, window.minimum(), end);
      for (; position < end; ++position) {
        const std::uint64_t minimum = window.minimum();
        window.advance();
        if (window.minimum() != minimum) f(chunk, position, window.minimum(), end);
      }
    });
  }

  // A window that moves through the text. Keeps the values of its positions.
  class Window {
   public:
    // REQUIRES size <= kLargestWindow.
    Window(Text<Token> text, std::uint64_t begin, unsigned size) : text_(text), begin_(begin), size_(size) {
      for (Position position = begin; position < begin + size; ++position) set_value(position);
      find_minimum();
    }

    [[nodiscard]] std::uint64_t minimum() const { return minimum_; }

    void advance() {
      ++begin_;
      const std::uint64_t last = begin_ + size_ - 1;
      set_value(last);
      if (minimum_ < begin_) {
        find_minimum();
      } else {
        consider(last);
      }
    }

   private:
    void find_minimum() {
      minimum_ = begin_;
      smallest_ = values_[begin_ % kLargestWindow];
      for (Position position = begin_ + 1; position < begin_ + size_; ++position) consider(position);
    }

    void consider(Position position) {
      const std::uint64_t candidate = values_[position % kLargestWindow];
      if (candidate < smallest_) {
        smallest_ = candidate;
        minimum_ = position;
      }
    }

    // Smallest for a separator, whose key is 0; otherwise pseudo-random, which gives few minimizers. Largest beyond the
    // text.
    void set_value(Position position) {
      constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;
      values_[position % kLargestWindow] = position < text_.size() ? text_.key(position) * kOdd : ~std::uint64_t{0};
    }

    Text<Token> text_;
    std::uint64_t begin_;
    unsigned size_;
    std::uint64_t minimum_ = 0;
    std::uint64_t smallest_ = 0;
    std::array<std::uint64_t, kLargestWindow> values_;
  };

  Text<Token> text_;
  unsigned context_;
  std::size_t n_threads_;
  RankBitmap<Pos> members_;
  RankBitmap<Pos> changes_;
  std::uint64_t size_ = 0;
};

}  // namespace infgram
