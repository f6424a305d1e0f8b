#include "query/search.hpp"

#include <algorithm>
#include <cstring>

namespace infgram {
namespace {

// A pattern cut into the keys that Text::key gives, the last one under a mask.
template <class Token>
class Pattern {
 public:
  explicit Pattern(std::span<const TokenId> tokens) : last_mask_(~std::uint64_t{0}) {
    constexpr std::size_t k = Text<Token>::kKeyTokens;
    keys_.reserve(tokens.size() / k + 1);
    for (std::size_t i = 0; i < tokens.size(); i += k) {
      std::uint64_t key = 0;
      for (std::size_t lane = 0; lane < k; ++lane) {
        const std::uint64_t value = i + lane < tokens.size() ? std::uint64_t{tokens[i + lane]} + 1 : 0;
        key |= value << (64 - (lane + 1) * Text<Token>::kTokenBits);
      }
      keys_.push_back(key);
    }
    const std::size_t n_last = tokens.size() % k;
    if (n_last > 0) last_mask_ = ~(~std::uint64_t{0} >> (n_last * Text<Token>::kTokenBits));
  }

  // Negative, zero, positive: the suffix at `position` sorts before, begins with, sorts after the pattern.
  // A key that differs may reach the document's end, an equal one cannot: so no read leaves the text.
  [[nodiscard]] int compare(Text<Token> text, std::uint64_t position) const {
    for (std::size_t i = 0; i < keys_.size(); ++i, position += Text<Token>::kKeyTokens) {
      std::uint64_t key = text.key(position);
      if (i + 1 == keys_.size()) key &= last_mask_;
      if (key != keys_[i]) return key < keys_[i] ? -1 : 1;
    }
    return 0;
  }

 private:
  std::vector<std::uint64_t> keys_;
  std::uint64_t last_mask_;
};

// The ranks of `range` where order(rank) is 0, given that order(rank) ascends over it.
template <class Order>
SuffixRange equal_range(SuffixRange range, const Order& order) {
  std::uint64_t lo = range.lo;
  std::uint64_t hi = range.hi;
  std::uint64_t upper_lo = range.lo;  // the upper bound is in [upper_lo, upper_hi]
  std::uint64_t upper_hi = range.hi;
  while (lo < hi) {
    const std::uint64_t middle = lo + (hi - lo) / 2;
    const int sign = order(middle);
    if (sign < 0) {
      lo = upper_lo = middle + 1;
    } else {
      hi = middle;
      if (sign > 0) {
        upper_hi = middle;
      } else {
        upper_lo = std::max(upper_lo, middle + 1);
      }
    }
  }
  while (upper_lo < upper_hi) {
    const std::uint64_t middle = upper_lo + (upper_hi - upper_lo) / 2;
    if (order(middle) <= 0) {
      upper_lo = middle + 1;
    } else {
      upper_hi = middle;
    }
  }
  return {lo, std::max(lo, upper_lo)};
}

}  // namespace

std::uint64_t total_count(std::span<const SuffixRange> ranges) {
  std::uint64_t count = 0;
  for (const SuffixRange& range : ranges) count += range.count();
  return count;
}

SuffixRange find(const Shard& shard, std::span<const TokenId> pattern) {
  if (pattern.empty()) return {0, shard.n_tokens()};
  const SuffixRange range = shard.first_token_range(pattern.front());
  if (pattern.size() == 1 || range.empty()) return range;
  return shard.text().visit([&]<class Token>(Text<Token> text) {
    const Pattern<Token> keys(pattern);
    return equal_range(range, [&](std::uint64_t rank) { return keys.compare(text, shard.position(rank)); });
  });
}

ShardRanges find(const Index& index, std::span<const TokenId> pattern) {
  ShardRanges ranges;
  ranges.reserve(index.shards().size());
  for (const Shard& shard : index.shards()) ranges.push_back(find(shard, pattern));
  return ranges;
}

SuffixRange narrow(const Shard& shard, SuffixRange range, std::uint64_t depth, RowId row) {
  if (depth == 0) return shard.first_token_range(static_cast<TokenId>(row));
  return shard.text().visit([&]<class Token>(Text<Token> text) {
    // The separator plus one wraps to 0, below every token: the order of the suffixes.
    const auto wanted = static_cast<Token>(row + 1);
    return equal_range(range, [&](std::uint64_t rank) {
      const auto found = static_cast<Token>(text[shard.position(rank, depth)] + 1);
      return found < wanted ? -1 : found > wanted ? 1 : 0;
    });
  });
}

}  // namespace infgram
