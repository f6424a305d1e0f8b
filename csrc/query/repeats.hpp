// The longest common prefix of any two suffixes of a sequence, in constant time.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/concepts.hpp"
#include "query/pattern.hpp"
#include "suffix/suffix_sort.hpp"

namespace infgram {

// The suffix array of a sequence, its LCP array, and minima over blocks of the LCP array. A suffix that is a prefix of
// another sorts before it. Immutable; the sequence must outlive it.
template <StoredToken Token>
class Repeats {
 public:
  // Cost: one sort of the sequence, then O(n) time (Kasai et al., CPM 2001); some 10 bytes of memory per token.
  // REQUIRES at least one token, fewer than 2^32.
  explicit Repeats(const Sequence<Token>& sequence) : size_(sequence.size()), order_(size_), shared_(size_) {
    const Token* const tokens = sequence.pattern(0, size_).data;
    std::vector<std::uint32_t> sorted;
    sorted.reserve(size_);
    const std::vector<TokenId> in_order = in_order_of_lanes(std::span(tokens, size_));
    const Sequence<StoredId<Token>> sortable{std::span(in_order)};
    sort_suffixes(
        {reinterpret_cast<const std::byte*>(sortable.pattern(0, size_).data), size_ + 1, Text<Token>::kTokenBits},
        std::ranges::max(in_order), {},
        [&](std::span<const std::uint64_t> positions) {
          for (const std::uint64_t position : positions) sorted.push_back(static_cast<std::uint32_t>(position));
        },
        [](std::uint64_t) {});
    for (std::uint32_t rank = 0; rank < size_; ++rank) order_[sorted[rank]] = rank;
    std::uint64_t n_shared = 0;
    for (std::uint64_t i = 0; i < size_; ++i) {
      if (order_[i] == 0) {
        n_shared = 0;
        continue;
      }
      const std::uint64_t before = sorted[order_[i] - 1];
      n_shared = sequence.pattern(i, size_ - i)
                     .shared(Text<Token>(tokens, size_ + 1), before, n_shared, size_ - std::max(i, before));
      shared_[order_[i]] = static_cast<std::uint32_t>(n_shared);
      if (n_shared > 0) --n_shared;
    }
    std::vector<std::uint32_t> minima;
    for (std::uint64_t first = 0; first < size_; first += kBlock) {
      const std::uint64_t last = std::min(size_, first + kBlock);
      minima.push_back(*std::min_element(shared_.data() + first, shared_.data() + last));
    }
    minima_.push_back(std::move(minima));
    for (std::size_t width = 1; 2 * width <= minima_.front().size(); width *= 2) {
      const auto& half = minima_.back();
      std::vector<std::uint32_t> whole(half.size() - width);
      for (std::size_t i = 0; i < whole.size(); ++i) whole[i] = std::min(half[i], half[i + width]);
      minima_.push_back(std::move(whole));
    }
  }

  // The rank of the suffix at i among all suffixes. REQUIRES i < size.
  [[nodiscard]] std::uint32_t order(std::uint64_t i) const { return order_[i]; }

  // How many tokens the suffixes at i and j share. REQUIRES i, j < size.
  [[nodiscard]] std::uint64_t shared(std::uint64_t i, std::uint64_t j) const {
    if (i == j) return size_ - i;
    const auto [before, after] = std::minmax(order_[i], order_[j]);
    const std::uint64_t first = before + std::uint64_t{1};
    const std::uint64_t last = after + std::uint64_t{1};
    const std::uint64_t first_block = (first + kBlock - 1) / kBlock;
    const std::uint64_t last_block = last / kBlock;
    if (first_block >= last_block) return least(first, last);
    const auto level = static_cast<unsigned>(std::bit_width(last_block - first_block) - 1);
    const auto& minima = minima_[level];
    // NOLINTNEXTLINE(clang-analyzer-core.BitwiseShift): last_block > first_block, so the level is not negative
    const std::uint32_t inside = std::min(minima[first_block], minima[last_block - (std::uint64_t{1} << level)]);
    return std::min({inside, least(first, first_block * kBlock), least(last_block * kBlock, last)});
  }

 private:
  static constexpr std::uint64_t kBlock = 16;

  // The tokens as token ids whose order is that of the tokens' lanes.
  static std::vector<TokenId> in_order_of_lanes(std::span<const Token> tokens) {
    if constexpr (!kIsBytewise<Token>) return {tokens.begin(), tokens.end()};
    std::vector<TokenId> distinct;
    for (const Token token : tokens) distinct.push_back(lane_of(token));
    std::ranges::sort(distinct);
    distinct.erase(std::ranges::unique(distinct).begin(), distinct.end());
    std::vector<TokenId> ids;
    for (const Token token : tokens) {
      ids.push_back(static_cast<TokenId>(std::ranges::lower_bound(distinct, lane_of(token)) - distinct.begin()));
    }
    return ids;
  }

  [[nodiscard]] std::uint32_t least(std::uint64_t first, std::uint64_t last) const {
    std::uint32_t result = ~std::uint32_t{0};
    for (; first < last; ++first) result = std::min(result, shared_[first]);
    return result;
  }

  std::uint64_t size_;
  std::vector<std::uint32_t> order_;                // of the suffix at i
  std::vector<std::uint32_t> shared_;               // by the suffixes of ranks k - 1 and k
  std::vector<std::vector<std::uint32_t>> minima_;  // level l: over 2^l blocks, from each block on
};

}  // namespace infgram
