#include "index/continuations.hpp"

namespace infgram {
namespace {

void append_varint(std::vector<std::byte>& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<std::byte>(value | 0x80));
  bytes.push_back(static_cast<std::byte>(value));
}

}  // namespace

void append_next_token(std::vector<std::byte>& bytes, std::uint64_t gap, std::uint64_t count) {
  const std::uint64_t gap_field = gap <= kNextTokenGapMask ? gap : 0;
  const std::uint64_t count_field = count <= kNextTokenCountMask ? count : 0;
  bytes.push_back(static_cast<std::byte>(gap_field << kNextTokenCountBits | count_field));
  if (gap_field == 0) append_varint(bytes, gap - kNextTokenGapMask - 1);
  if (count_field == 0) append_varint(bytes, count - kNextTokenCountMask - 1);
}

StoredContext Continuations::context(std::uint64_t i) const {
  const std::uint64_t at = i * kStoredContextFields;
  return {contexts_[at], contexts_[at + 1], contexts_[at + 2], contexts_[at + 3]};
}

std::vector<StoredContext> Continuations::contexts() const {
  std::vector<StoredContext> all;
  all.reserve(size());
  for (std::uint64_t i = 0; i < size(); ++i) all.push_back(context(i));
  return all;
}

std::optional<std::uint64_t> Continuations::find(SuffixRange range, std::uint64_t depth) const {
  std::uint64_t lo = 0;
  std::uint64_t hi = size();
  while (lo < hi) {
    const std::uint64_t middle = lo + (hi - lo) / 2;
    const StoredContext found = context(middle);
    if (found.depth < depth || (found.depth == depth && found.lo < range.lo)) {
      lo = middle + 1;
    } else {
      hi = middle;
    }
  }
  if (lo == size()) return std::nullopt;
  const StoredContext found = context(lo);
  if (found.depth != depth || found.lo != range.lo || found.hi != range.hi) return std::nullopt;
  return lo;
}

void Continuations::throw_damaged() const {
  throw IndexDamagedError(path_.string() +
                          ": the stored continuations are truncated or invalid; copy the index again or rebuild it");
}

}  // namespace infgram
