// Sorting of (key, position) pairs, stable in the positions.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace infgram {

template <class Pos>
struct KeyedPosition {
  std::uint64_t key;
  Pos position;
};

namespace detail {

inline constexpr std::size_t kInsertionSortMax = 24;

template <class Pos>
void insertion_sort(KeyedPosition<Pos>* items, std::size_t n) {
  for (std::size_t i = 1; i < n; ++i) {
    const KeyedPosition<Pos> item = items[i];
    std::size_t j = i;
    for (; j > 0 && items[j - 1].key > item.key; --j) items[j] = items[j - 1];
    items[j] = item;
  }
}

// Most significant byte first, skipping the bytes that all keys share.
template <class Pos>
void radix_sort(KeyedPosition<Pos>* items, KeyedPosition<Pos>* scratch, std::size_t n) {
  if (n <= kInsertionSortMax) return insertion_sort(items, n);
  std::uint64_t differing = 0;
  for (std::size_t i = 1; i < n; ++i) differing |= items[i].key ^ items[0].key;
  if (differing == 0) return;
  // The highest eight bits that differ, wherever they begin.
  const int shift = std::max(0, 64 - std::countl_zero(differing) - 8);
  const auto digit = [shift](const KeyedPosition<Pos>& item) { return (item.key >> shift) & 0xFF; };

  std::array<Pos, 257> starts{};
  for (std::size_t i = 0; i < n; ++i) ++starts[digit(items[i]) + 1];
  for (std::size_t d = 0; d < 256; ++d) starts[d + 1] += starts[d];
  std::array<Pos, 256> next;
  std::copy_n(starts.begin(), 256, next.begin());
  for (std::size_t i = 0; i < n; ++i) scratch[next[digit(items[i])]++] = items[i];
  std::copy_n(scratch, n, items);
  if (shift == 0) return;
  for (std::size_t d = 0; d < 256; ++d) {
    const Pos begin = starts[d];
    if (starts[d + 1] - begin > 1) radix_sort(items + begin, scratch + begin, starts[d + 1] - begin);
  }
}

}  // namespace detail

// Sorts items by key; equal keys keep their order. `scratch` grows to the size of `items` and is kept by the caller.
// Cost: at most 8 passes of O(n), fewer where keys share bytes.
template <class Pos>
void sort_by_key(std::span<KeyedPosition<Pos>> items, std::vector<KeyedPosition<Pos>>& scratch) {
  if (scratch.size() < items.size() && items.size() > detail::kInsertionSortMax) scratch.resize(items.size());
  detail::radix_sort(items.data(), scratch.data(), items.size());
}

}  // namespace infgram
