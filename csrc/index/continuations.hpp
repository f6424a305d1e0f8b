// The stored next tokens of contexts that very many distinct tokens follow.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "base/errors.hpp"
#include "base/types.hpp"
#include "storage/format.hpp"
#include "storage/packed_array.hpp"

namespace infgram {

// A stored context: the ranks of its suffixes, its length in tokens, and the offset of its bytes.
struct StoredContext {
  Rank lo;
  Rank hi;
  std::uint64_t depth;
  std::uint64_t offset;
  bool operator==(const StoredContext&) const = default;
};
inline constexpr std::uint64_t kStoredContextFields = 4;

// Appends one next token (docs/index-format.md, "continuations.bin"). `gap` is its code (0 for the end of the document,
// otherwise the token id + 1) minus the previous code; for the first one, the code plus 1. REQUIRES gap > 0, count > 0.
void append_next_token(std::vector<std::byte>& bytes, std::uint64_t gap, std::uint64_t count);

// A view of the two sections. Every number is checked before it is used or passed on; an invalid one throws
// IndexDamagedError.
class Continuations {
 public:
  Continuations() = default;
  // `contexts` holds kStoredContextFields numbers per context, ascending by (depth, lo); `bytes` holds the next tokens
  // of the contexts in the same order. Errors name the file `path`.
  Continuations(const PackedArray& contexts, std::span<const std::byte> bytes, std::uint64_t vocab_size,
                std::filesystem::path path)
      : contexts_(contexts), bytes_(bytes), n_codes_(vocab_size + 1), path_(std::move(path)) {}

  [[nodiscard]] std::uint64_t size() const { return contexts_.size() / kStoredContextFields; }

  // Returns all contexts, ascending by (depth, lo).
  [[nodiscard]] std::vector<StoredContext> contexts() const;

  // Calls f(next_token, count) for each next token of the context, ascending; the counts add up to the size of the
  // range. If it throws IndexDamagedError, what f received is invalid. The context is given by the range of its
  // suffixes and its length `depth`. Returns false, without a call, if it is not stored. Cost: O(log size() + next
  // tokens).
  template <class F>
  [[nodiscard]] bool for_each_next_token(SuffixRange range, std::uint64_t depth, F&& f) const {
    if (range.size() <= (kMinSampledNextTokens - 1) * kSampleStep) return false;
    const auto i = find(range, depth);
    if (!i) return false;
    const std::byte* next = bytes_.data() + begin(*i);
    const std::byte* const end = bytes_.data() + begin(*i + 1);
    std::uint64_t n_passed = 0;  // codes up to that of the last next token
    std::uint64_t total = 0;
    while (next < end) {
      const auto byte = static_cast<std::uint64_t>(*next++);
      std::uint64_t gap = byte >> kNextTokenCountBits;
      std::uint64_t count = byte & kNextTokenCountMask;
      if (gap == 0) gap = kNextTokenGapMask + 1 + read_varint(next, end, n_codes_ - std::min(n_passed, n_codes_));
      if (count == 0)
        count = kNextTokenCountMask + 1 + read_varint(next, end, range.size() - std::min(total, range.size()));
      n_passed += gap;
      total += count;
      f(next_token_of(static_cast<TokenCode>(n_passed - 1)), count);
    }
    // Large numbers were bounded by what was left, so the sums did not overflow: if they are right, so is each number.
    if (n_passed > n_codes_ || total != range.size()) throw_damaged();
    return true;
  }

 private:
  [[nodiscard]] StoredContext context(std::uint64_t i) const;
  [[nodiscard]] std::optional<std::uint64_t> find(SuffixRange range, std::uint64_t depth) const;

  [[nodiscard]] std::uint64_t begin(std::uint64_t i) const {
    const std::uint64_t offset = i < size() ? context(i).offset : bytes_.size();
    if (offset > bytes_.size()) throw_damaged();
    return offset;
  }

  // Throws for a value above `most`.
  [[nodiscard]] std::uint64_t read_varint(const std::byte*& next, const std::byte* end, std::uint64_t most) const {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (next == end) throw_damaged();
      const auto byte = static_cast<std::uint64_t>(*next++);
      value |= (byte & 0x7F) << shift;
      if (byte >= 0x80) continue;
      if (value > most) throw_damaged();
      return value;
    }
    throw_damaged();
  }

  [[noreturn]] void throw_damaged() const;

  PackedArray contexts_;
  std::span<const std::byte> bytes_;
  std::uint64_t n_codes_ = 0;
  std::filesystem::path path_;
};

}  // namespace infgram
