// Where the suffixes that begin with each token are in the order of suffixes.
#pragma once

#include <cstdint>
#include <span>

#include "base/types.hpp"
#include "storage/packed_array.hpp"

namespace infgram {

// A view of ranges, by token id. Its numbers are untrusted. The memory must outlive it.
class FirstTokens {
 public:
  FirstTokens() = default;
  // In the order of token ids: the ranges are adjacent, `starts` holds where each begins, and the end.
  explicit FirstTokens(const PackedArray& starts) : starts_(starts), vocab_size_(starts.size() - 1) {}
  // In another order.
  explicit FirstTokens(std::span<const SuffixRange> ranges) : ranges_(ranges), vocab_size_(ranges.size()) {}

  // REQUIRES token < vocab_size().
  [[nodiscard]] SuffixRange operator[](std::uint64_t token) const {
    if (!ranges_.empty()) return ranges_[token];
    return {starts_[token], starts_[token + 1]};
  }
  [[nodiscard]] std::uint64_t vocab_size() const { return vocab_size_; }
  [[nodiscard]] const PackedArray& starts() const { return starts_; }

 private:
  PackedArray starts_;
  std::span<const SuffixRange> ranges_;
  std::uint64_t vocab_size_ = 0;
};

}  // namespace infgram
