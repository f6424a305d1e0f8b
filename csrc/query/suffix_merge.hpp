// Merges the suffixes of several shards into one sorted sequence.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <span>
#include <vector>

#include "base/concepts.hpp"
#include "index/index.hpp"

namespace infgram {

// Iterates over the live suffixes of a range in order. Prefetches their texts one batch ahead; batches grow, so that
// reading a few suffixes stays cheap. The shard must outlive the cursor.
template <StoredToken Token>
class SuffixCursor {
 public:
  SuffixCursor(const Shard& shard, SuffixRange range)
      : shard_(&shard), text_(shard.typed_text<Token>()), ranks_(shard.live_ranks(range)) {
    assert(range.lo <= range.hi);
    refill();
  }

  [[nodiscard]] bool is_at_end() const { return next_ == n_; }
  // REQUIRES !is_at_end(), as does advance().
  [[nodiscard]] Position position() const { return positions_[next_]; }
  [[nodiscard]] const Text<Token>& text() const { return text_; }
  void advance() {
    if (++next_ == n_) refill();
  }

 private:
  static constexpr std::uint64_t kFirstBatch = 4;
  static constexpr std::uint64_t kLargestBatch = 64;  // reads in flight

  void refill() {
    const std::uint64_t most = n_ == 0 ? kFirstBatch : std::min(2 * n_, kLargestBatch);
    for (n_ = 0; n_ < most && !ranks_.is_done(); ++n_, ranks_.advance()) {
      positions_[n_] = shard_->position(ranks_.rank());
      text_.prefetch(positions_[n_]);
    }
    next_ = 0;
  }

  const Shard* shard_;
  Text<Token> text_;
  LiveRanks ranks_;  // of the next batch
  std::array<std::uint64_t, kLargestBatch> positions_;
  std::uint64_t next_ = 0;
  std::uint64_t n_ = 0;
};

// Calls f(shard, position) for the live suffixes in `ranges`, one range per shard, merged by their first `depth`
// tokens, until it returns false. Suffixes that are equal in these come shard by shard, each shard's in its own order.
// Cost: one prefetched read of the text per suffix; with several shards O(log shards) comparisons.
template <StoredToken Token, class F>
void merge_suffixes(const Index& index, std::span<const SuffixRange> ranges, std::uint64_t depth, F&& f) {
  std::vector<SuffixCursor<Token>> cursors;
  cursors.reserve(ranges.size());
  for (std::size_t s = 0; s < ranges.size(); ++s) cursors.emplace_back(index.shards()[s], ranges[s]);
  if (cursors.size() == 1) {
    for (SuffixCursor<Token>& cursor = cursors[0]; !cursor.is_at_end(); cursor.advance()) {
      if (!f(std::size_t{0}, cursor.position())) return;
    }
    return;
  }
  struct Front {
    std::size_t shard;
    std::uint64_t key;  // of the suffix at the shard's cursor
  };
  // The front of a heap is its greatest element, so "less" means "sorts after".
  const auto sorts_after = [&](const Front& a, const Front& b) {
    std::uint64_t key_a = a.key;
    std::uint64_t key_b = b.key;
    const SuffixCursor<Token>& at_a = cursors[a.shard];
    const SuffixCursor<Token>& at_b = cursors[b.shard];
    for (std::uint64_t d = Text<Token>::kKeyTokens; key_a == key_b; d += Text<Token>::kKeyTokens) {
      if (d >= depth || Text<Token>::ends(key_a)) return a.shard > b.shard;
      // A text that lost its last separator (storage/truncation.hpp) ends nevertheless.
      if (d >= at_a.text().size() - at_a.position() || d >= at_b.text().size() - at_b.position()) {
        return a.shard > b.shard;
      }
      key_a = at_a.text().key(at_a.position() + d);
      key_b = at_b.text().key(at_b.position() + d);
    }
    return key_a > key_b;
  };
  const auto front_of = [&](std::size_t s) { return Front{s, cursors[s].text().key(cursors[s].position())}; };
  std::vector<Front> heap;
  for (std::size_t s = 0; s < cursors.size(); ++s) {
    if (!cursors[s].is_at_end()) heap.push_back(front_of(s));
  }
  std::ranges::make_heap(heap, sorts_after);
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, sorts_after);
    const std::size_t s = heap.back().shard;
    if (!f(s, cursors[s].position())) return;
    cursors[s].advance();
    if (cursors[s].is_at_end()) {
      heap.pop_back();
    } else {
      heap.back() = front_of(s);
      std::ranges::push_heap(heap, sorts_after);
    }
  }
}

}  // namespace infgram
