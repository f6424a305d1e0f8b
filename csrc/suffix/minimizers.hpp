// A sample of positions that suffixes which agree share: the minima of all windows.
//
// Source: Schleimer, Wilkerson, Aiken, "Winnowing", SIGMOD 2003 (also known as minimizers); their use for sorting
// suffixes is that of the string synchronizing sets of Kempa and Kociumaka, STOC 2019.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "base/parallel.hpp"
#include "suffix/rank_bitmap.hpp"
#include "suffix/text.hpp"

namespace infgram {

// Every window of positions has a minimum: the first of those whose next kTokens tokens are smallest, in an order that
// is fixed below. The sample is the set of all minima. What a window's minimum is depends on the `context` tokens from
// its start alone, so that two suffixes which agree so far and do not end there have their minima at the same distance:
// the ranks of these two sampled suffixes decide their order. A separator is smaller than all else, hence sampled.
//
// From a sampled position on the members that follow depend on the text after it alone, too: the next is the first
// smaller one less than a window away, or else the minimum of the window that begins just after it. So suffixes of the
// sample that agree in context + 1 tokens have their next members at the same distance, and so on.
//
// In a text of random tokens 2 of window + 1 positions are sampled; in runs of a short period more.
template <class Token, class Pos>
class Minimizers {
 public:
  // The tokens that are compared: the more, the fewer minima in texts of few different tokens.
  static constexpr unsigned kTokens = Text<Token>::kKeyTokens;

  // Finds the members. Cost: one pass over the text; a quarter byte a position. REQUIRES a text that ends with a
  // separator; kTokens <= context < kTokens + kLargestWindow.
  Minimizers(Text<Token> text, unsigned context, std::size_t n_threads)
      : text_(text), context_(context), n_threads_(n_threads), members_(text.size()) {
    // A minimum beyond its chunk's end is put in when all threads are done.
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
  template <class F>
  void for_each_member(std::uint64_t begin, std::uint64_t end, F&& f) const {
    members_.for_each(begin, end, f);
  }

  [[nodiscard]] bool is_member(std::uint64_t position) const { return members_.contains(position); }

  // Which member a sampled position is, in text order.
  [[nodiscard]] Pos index_of_member(std::uint64_t position) const { return members_.rank(position); }
  void prefetch_index_of_member(std::uint64_t position) const { members_.prefetch(position); }

  // Turns to the questions below and forgets the members' positions. Cost and memory as to find them.
  void turn_to_windows() {
    members_ = RankBitmap<Pos>();
    changes_ = RankBitmap<Pos>(text_.size());
    for_each_change(
        [&](std::size_t, std::uint64_t position, std::uint64_t, std::uint64_t) { changes_.insert(position); });
    changes_.count();
  }

  // Which member is the minimum of the window that begins at `position`. Members in ascending order are the minima of
  // ascending windows: it is as many members along as there are windows up to it with another than the one before.
  [[nodiscard]] Pos index_of_minimum(std::uint64_t position) const { return changes_.rank(position + 1) - 1; }
  void prefetch_index_of_minimum(std::uint64_t position) const { changes_.prefetch(position + 1); }

 private:
  static constexpr std::uint64_t kLargestWindow = 64;

  // Calls f(chunk, position, minimum, chunk_end) for every window, named by its beginning, whose minimum is not that of
  // the window before; several threads at a time, each in its own chunk, which ends with a word of the bitmaps.
  template <class F>
  void for_each_change(const F& f) const {
    const std::uint64_t n_words = text_.size() / RankBitmap<Pos>::kWordBits + 1;
    const auto begin_of = [&](std::size_t chunk) {
      return std::min(text_.size(), n_words * chunk / n_threads_ * RankBitmap<Pos>::kWordBits);
    };
    parallel_for(n_threads_, n_threads_, [&](std::size_t chunk, std::size_t) {
      const std::uint64_t end = chunk + 1 == n_threads_ ? text_.size() : begin_of(chunk + 1);
      std::uint64_t position = begin_of(chunk);
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
      for (std::uint64_t position = begin; position < begin + size; ++position) set_value(position);
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
      for (std::uint64_t position = begin_ + 1; position < begin_ + size_; ++position) consider(position);
    }

    void consider(std::uint64_t position) {
      const std::uint64_t candidate = values_[position % kLargestWindow];
      if (candidate < smallest_) {
        smallest_ = candidate;
        minimum_ = position;
      }
    }

    // Smallest for a separator, whose key is 0; else as good as random, which makes few minima. Beyond the text,
    // largest.
    void set_value(std::uint64_t position) {
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
