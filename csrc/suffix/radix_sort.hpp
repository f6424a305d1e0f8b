// A stable sort of small items by an integer key.
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
inline constexpr int kMaxDigitBits = 8;

template <class Item>
void insertion_sort(Item* items, std::size_t n) {
  for (std::size_t i = 1; i < n; ++i) {
    const Item item = items[i];
    std::size_t j = i;
    for (; j > 0 && items[j - 1].key > item.key; --j) items[j] = items[j - 1];
    items[j] = item;
  }
}

// Most significant bits first, beginning with the highest bit that differs; few items take few bits at a time.
template <class Item>
void radix_sort(Item* items, Item* scratch, std::size_t n) {
  if (n <= kInsertionSortMax) return insertion_sort(items, n);
  std::uint64_t differing = 0;
  for (std::size_t i = 1; i < n; ++i) differing |= items[i].key ^ items[0].key;
  if (differing == 0) return;
  const int digit_bits = std::min(kMaxDigitBits, static_cast<int>(std::bit_width(n)) - 2);
  const int shift = std::max(0, 64 - std::countl_zero(differing) - digit_bits);
  const std::size_t n_digits = std::size_t{1} << digit_bits;
  const auto digit = [shift, mask = n_digits - 1](const Item& item) { return (item.key >> shift) & mask; };

  std::array<std::size_t, (1 << kMaxDigitBits) + 1> ends;  // counts, then starts, then ends
  std::fill_n(ends.begin(), n_digits + 1, 0);
  for (std::size_t i = 0; i < n; ++i) ++ends[digit(items[i]) + 1];
  for (std::size_t d = 0; d < n_digits; ++d) ends[d + 1] += ends[d];
  for (std::size_t i = 0; i < n; ++i) scratch[ends[digit(items[i])]++] = items[i];
  std::copy_n(scratch, n, items);
  if (shift == 0) return;
  for (std::size_t d = 0, begin = 0; d < n_digits; begin = ends[d++]) {
    if (ends[d] - begin > 1) radix_sort(items + begin, scratch + begin, ends[d] - begin);
  }
}

}  // namespace detail

// Sorts items by their member `key`, a 64-bit integer; equal keys keep their order. `scratch` grows to the size of
// `items` and is kept by the caller. Cost: O(n) a pass, a pass for each 3 to 8 bits that differ.
template <class Item>
void sort_by_key(std::span<Item> items, std::vector<Item>& scratch) {
  if (scratch.size() < items.size() && items.size() > detail::kInsertionSortMax) scratch.resize(items.size());
  detail::radix_sort(items.data(), scratch.data(), items.size());
}

}  // namespace infgram
