// A stable sort by integer keys.
//
// Source: Sanders, Winkel, "Super Scalar Sample Sort", ESA 2004. Keys repeat often and are distributed very unevenly,
// so a radix sort would need several passes; here one pass suffices. Splitters are drawn from the items, each item
// finds its part without branches, and items equal to a splitter are done.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "base/large_array.hpp"

namespace infgram {

// An item with an integer key to sort by.
template <class T>
concept KeyedItem = std::is_trivially_copyable_v<T> && requires(const T& item) {
  { item.key() } -> std::same_as<std::uint64_t>;
};

// Sorts items by their 64-bit keys; items with equal keys keep their order. Reuses its memory: one item and two bytes
// per item of the largest input. Not thread-safe.
template <KeyedItem Item>
class KeySort {
 public:
  // `n_items` is the largest input. Pages are allocated when used.
  explicit KeySort(std::size_t n_items) : items_(n_items), parts_(n_items) {}

  // Cost: O(n log n) comparisons, 8 per pass over the items. REQUIRES n <= n_items.
  void sort(Item* items, std::size_t n) {
    if (n <= kInsertionSortMax) return insertion_sort(items, n);
    const int n_levels = std::min(kMaxLevels, static_cast<int>(std::bit_width(n)) - 3);
    const Splitters splitters(items, n, n_levels);
    if (splitters.are_equal() && keys_are_equal(items, n)) return;
    PartEnds ends = split(items, n, splitters);
    for (std::size_t part = 0, begin = 0; part < splitters.n_parts(); begin = ends[part++]) {
      if (!Splitters::is_of_equal_keys(part) && ends[part] - begin > 1) sort(items + begin, ends[part] - begin);
    }
  }

 private:
  static constexpr std::size_t kInsertionSortMax = 24;
  static constexpr int kMaxLevels = 8;
  using PartEnds = std::array<std::size_t, (2 << kMaxLevels) + 1>;

  // 2^n_levels - 1 keys. Part 2i holds the keys between two adjacent splitters, part 2i + 1 those equal to splitter i.
  class Splitters {
   public:
    Splitters(const Item* items, std::size_t n, int n_levels) : n_levels_(n_levels) {
      const std::size_t n_drawn = kOversampling << n_levels;
      std::array<std::uint64_t, kOversampling << kMaxLevels> drawn;
      for (std::size_t i = 0; i < n_drawn; ++i) drawn[i] = items[(i * n + n / 2) / n_drawn].key();
      std::sort(drawn.begin(), drawn.begin() + n_drawn);
      are_equal_ = drawn[0] == drawn[n_drawn - 1];
      const std::size_t n_splitters = (std::size_t{1} << n_levels) - 1;
      for (std::size_t i = 0; i < n_splitters; ++i) sorted_[i] = drawn[(i + 1) * kOversampling];
      sorted_[n_splitters] = ~std::uint64_t{0};
      for (int level = 0; level < n_levels; ++level) {
        const std::size_t first = std::size_t{1} << level;
        for (std::size_t i = 0; i < first; ++i) tree_[first + i] = sorted_[((2 * i + 1) << (n_levels - 1 - level)) - 1];
      }
    }

    [[nodiscard]] bool are_equal() const { return are_equal_; }
    [[nodiscard]] std::size_t n_parts() const { return std::size_t{2} << n_levels_; }
    [[nodiscard]] static bool is_of_equal_keys(std::size_t part) { return part % 2 == 1; }

    // Returns the parts of several keys. Their descents in the tree overlap.
    template <std::size_t kKeys>
    [[nodiscard]] std::array<std::size_t, kKeys> parts_of(const std::array<std::uint64_t, kKeys>& keys) const {
      std::array<std::size_t, kKeys> nodes;
      nodes.fill(1);
      for (int level = 0; level < n_levels_; ++level) {
        for (std::size_t i = 0; i < kKeys; ++i) nodes[i] = 2 * nodes[i] + (tree_[nodes[i]] < keys[i] ? 1 : 0);
      }
      for (std::size_t i = 0; i < kKeys; ++i) {
        const std::size_t gap = nodes[i] - (std::size_t{1} << n_levels_);
        nodes[i] = 2 * gap + (sorted_[gap] == keys[i] ? 1 : 0);
      }
      return nodes;
    }

   private:
    static constexpr std::size_t kOversampling = 2;
    int n_levels_;
    bool are_equal_;
    std::array<std::uint64_t, 1 << kMaxLevels> sorted_;
    std::array<std::uint64_t, 1 << kMaxLevels> tree_;  // root at index 1, children of i at 2i and 2i + 1
  };

  static void insertion_sort(Item* items, std::size_t n) {
    for (std::size_t i = 1; i < n; ++i) {
      const Item item = items[i];
      const std::uint64_t key = item.key();
      std::size_t j = i;
      for (; j > 0 && items[j - 1].key() > key; --j) items[j] = items[j - 1];
      items[j] = item;
    }
  }

  static bool keys_are_equal(const Item* items, std::size_t n) {
    std::uint64_t differing = 0;
    for (std::size_t i = 1; i < n; ++i) differing |= items[i].key() ^ items[0].key();
    return differing == 0;
  }

  // Reorders the items by part. Returns the ends of the parts.
  PartEnds split(Item* items, std::size_t n, const Splitters& splitters) {
    constexpr std::size_t kAtATime = 4;
    PartEnds ends;  // counts, then starts, then ends
    std::fill_n(ends.begin(), splitters.n_parts() + 1, 0);
    std::size_t i = 0;
    for (; i + kAtATime <= n; i += kAtATime) {
      const auto parts = splitters.template parts_of<kAtATime>(
          {items[i].key(), items[i + 1].key(), items[i + 2].key(), items[i + 3].key()});
      for (std::size_t j = 0; j < kAtATime; ++j) {
        parts_[i + j] = static_cast<std::uint16_t>(parts[j]);
        ++ends[parts[j] + 1];
      }
    }
    for (; i < n; ++i) {
      const std::size_t part = splitters.template parts_of<1>({items[i].key()})[0];
      parts_[i] = static_cast<std::uint16_t>(part);
      ++ends[part + 1];
    }
    for (std::size_t part = 0; part < splitters.n_parts(); ++part) ends[part + 1] += ends[part];
    for (i = 0; i < n; ++i) items_[ends[parts_[i]]++] = items[i];
    std::copy_n(items_.data(), n, items);
    return ends;
  }

  LargeArray<Item> items_;
  LargeArray<std::uint16_t> parts_;
};

}  // namespace infgram
