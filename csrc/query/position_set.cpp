#include "query/position_set.hpp"

#include <algorithm>
#include <bit>

namespace infgram {
namespace {

constexpr std::uint64_t kWordBits = 64;
constexpr std::uint64_t kSparse = 512;  // tokens of text per position, above which a bitmap takes too much memory
constexpr std::uint64_t kPollEvery = 1 << 16;

// Calls f(position) for each live suffix of the ranges.
template <class F>
void for_each_position(const Shard& shard, std::span<const SuffixRange> ranges, const Poll& poll, F&& f) {
  for (const SuffixRange& range : ranges) {
    for (LiveRanks ranks = shard.live_ranks(range); !ranks.is_done();) {
      std::uint64_t n = 0;
      for (; n < kPollEvery && !ranks.is_done(); ++n, ranks.advance()) f(shard.position(ranks.rank()));
      poll(n);
    }
  }
}

}  // namespace

PositionSet PositionSet::gather(const Shard& shard, std::span<const SuffixRange> ranges, const Poll& poll) {
  std::uint64_t count = 0;
  for (const SuffixRange& range : ranges) count += shard.live_count(range);
  PositionSet set;
  if (count > shard.text().size / kSparse) {
    set.bits_.resize(shard.text().size / kWordBits + 1);
    for_each_position(shard, ranges, poll, [&](Position position) {
      set.bits_[position / kWordBits] |= std::uint64_t{1} << (position % kWordBits);
    });
  } else {
    set.sorted_.reserve(count);
    for_each_position(shard, ranges, poll, [&](Position position) { set.sorted_.push_back(position); });
    std::ranges::sort(set.sorted_);
  }
  return set;
}

std::uint64_t PositionSet::Cursor::at_least(Position position) {
  return set_->bits_.empty() ? sorted_at_least(position) : bits_at_least(position);
}

std::uint64_t PositionSet::Cursor::count_to(std::uint64_t end) {
  const std::uint64_t before = place_;
  if (set_->bits_.empty()) {
    sorted_at_least(end);
    return place_ - before;
  }
  const auto& words = set_->bits_;
  end = std::min<std::uint64_t>(end, words.size() * kWordBits);
  if (end <= before) return 0;
  std::uint64_t count = 0;
  for (std::uint64_t w = before / kWordBits; w <= (end - 1) / kWordBits; ++w) {
    std::uint64_t word = words[w];
    if (w == before / kWordBits) word &= ~std::uint64_t{0} << (before % kWordBits);
    if (w == (end - 1) / kWordBits) word &= ~std::uint64_t{0} >> (kWordBits - 1 - (end - 1) % kWordBits);
    count += static_cast<std::uint64_t>(std::popcount(word));
  }
  place_ = end;
  return count;
}

std::uint64_t PositionSet::Cursor::sorted_at_least(Position position) {
  const auto& sorted = set_->sorted_;
  std::uint64_t step = 1;
  std::uint64_t lo = place_;
  while (lo < sorted.size() && sorted[lo] < position) {  // doubling steps, then bisection of the last one
    place_ = lo + 1;
    lo += step;
    step *= 2;
  }
  const auto hi = sorted.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(lo, sorted.size()));
  const auto first = sorted.begin() + static_cast<std::ptrdiff_t>(place_);
  if (first < hi) place_ = static_cast<std::uint64_t>(std::lower_bound(first, hi, position) - sorted.begin());
  return place_ < sorted.size() ? sorted[place_] : kNoPosition;
}

std::uint64_t PositionSet::Cursor::bits_at_least(Position position) {
  const auto& words = set_->bits_;
  place_ = std::max(place_, position);
  std::uint64_t w = place_ / kWordBits;
  if (w >= words.size()) return kNoPosition;
  std::uint64_t word = words[w] & (~std::uint64_t{0} << (place_ % kWordBits));
  while (word == 0) {
    if (++w == words.size()) {
      place_ = w * kWordBits;
      return kNoPosition;
    }
    word = words[w];
  }
  return place_ = w * kWordBits + static_cast<std::uint64_t>(std::countr_zero(word));
}

}  // namespace infgram
