// The tokens of all documents as one sequence, for training.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "index/index.hpp"

namespace infgram {

// All documents in the order of their numbers, each followed by one end-of-text id. Immutable; safe for concurrent
// readers. The index must outlive it. Memory: a few words for each shard, and for each gap that removed documents
// leave.
class TokenStream {
 public:
  explicit TokenStream(const Index& index);

  // The number of ids: tokens and ends.
  [[nodiscard]] std::uint64_t size() const { return size_; }

  // Writes ids [begin, begin + ids.size()) to `ids`; beyond the end of the stream, end_of_text. Cost: the ids, and
  // O(log runs). Throws IndexDamagedError.
  void read(std::uint64_t begin, std::int64_t end_of_text, std::span<std::int64_t> ids) const;

 private:
  // Consecutive documents in the text of a shard, with the separator after each.
  struct Run {
    std::uint64_t begin;  // in the stream
    const Shard* shard;
    Position position;  // in the text
  };

  std::vector<Run> runs_;
  std::uint64_t size_ = 0;
};

}  // namespace infgram
