// Finds the suffixes whose key is in a range by scanning the text.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/concepts.hpp"
#include "suffix/text.hpp"

namespace infgram {

// The suffixes whose key is in [smallest, largest]. In most cases the first two tokens decide, without computing the
// key.
template <StoredToken Token>
class KeyRange {
 public:
  KeyRange(Text<Token> text, std::uint64_t smallest, std::uint64_t largest)
      : text_(text),
        smallest_(smallest),
        largest_(largest),
        first_(text.lane(smallest_, 0)),
        first_span_(static_cast<Lane>(text.lane(largest, 0) - first_)),
        second_(first_span_ == 0 ? text.lane(smallest_, 1) : Lane{0}),
        second_span_(first_span_ == 0 ? static_cast<Lane>(text.lane(largest, 1) - second_)
                                      : std::numeric_limits<Lane>::max()) {
    const std::uint64_t others = ~std::uint64_t{0} >> (first_span_ == 0 ? 2 * kTokenBits - 1 : kTokenBits - 1) >> 1;
    two_decide_ = (smallest_ & others) == 0 && (largest & others) == others;
  }

  // REQUIRES position < text.size().
  [[nodiscard]] bool contains(Position position) const { return may_contain(position) && is_between(position); }

  // Calls f(position) for those in [begin, end), in ascending order.
  // Cost: a fraction of a nanosecond per token, since two tokens are compared by vector instructions; one call per hit.
  template <PositionVisitor F>
  void for_each(std::uint64_t begin, std::uint64_t end, F&& f) const {
    constexpr std::uint64_t kStride = 64;
    std::uint64_t base = begin;
    for (; base + kStride <= end; base += kStride) {
      std::array<std::uint8_t, kStride> hits;
      for (std::uint64_t i = 0; i < kStride; ++i) hits[i] = may_contain(base + i);
      std::uint64_t mask = 0;
      for (std::uint64_t i = 0; i < kStride; i += 8) {
        std::uint64_t eight;  // bytes of 0 or 1; the product gathers them in its highest byte
        std::memcpy(&eight, hits.data() + i, sizeof eight);
        mask |= (eight * 0x0102040810204080) >> 56 << i;
      }
      for (; mask != 0; mask &= mask - 1) {
        const Position position = base + static_cast<std::uint64_t>(std::countr_zero(mask));
        if (is_between(position)) f(position);
      }
    }
    for (; base < end; ++base) {
      if (contains(base)) f(base);
    }
  }

 private:
  using Lane = StoredId<Token>;
  static constexpr unsigned kTokenBits = Text<Token>::kTokenBits;

  // Whether the first two tokens allow a match.
  [[nodiscard]] bool may_contain(Position position) const {
    const Token* tokens = text_.data() + position;
    return (static_cast<Lane>(lane_of(tokens[0]) - first_) <= first_span_) &
           (static_cast<Lane>(lane_of(tokens[1]) - second_) <= second_span_);
  }

  // REQUIRES may_contain(position).
  [[nodiscard]] bool is_between(Position position) const {
    if (two_decide_) return true;
    const std::uint64_t key = text_.key(position);
    return key >= smallest_ && key <= largest_;
  }

  Text<Token> text_;
  std::uint64_t smallest_;
  std::uint64_t largest_;
  Lane first_;
  Lane first_span_;
  Lane second_;
  Lane second_span_;
  bool two_decide_;
};

}  // namespace infgram
