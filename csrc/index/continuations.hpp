// What follows the contexts that very many different tokens follow, counted once and stored.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/errors.hpp"
#include "base/types.hpp"
#include "storage/format.hpp"
#include "storage/packed_array.hpp"

namespace infgram {

// A context's stored rows: the ranks of its suffixes, its length in tokens, and where its bytes begin.
struct StoredContext {
  std::uint64_t lo;
  std::uint64_t hi;
  std::uint64_t depth;
  std::uint64_t offset;
  bool operator==(const StoredContext&) const = default;
};
inline constexpr std::uint64_t kStoredContextFields = 4;

// Appends one row (docs/index-format.md, "continuations.bin"): `gap` is the row's code (0 for the end of the document,
// a token's id + 1) minus that of the row before it, or plus 1 for the first. REQUIRES gap > 0, count > 0.
void append_row(std::vector<std::byte>& bytes, std::uint64_t gap, std::uint64_t count);

// A view of the two sections. Every number is checked before it is used; a bad one throws IndexDamagedError.
class Continuations {
 public:
  Continuations() = default;
  // `contexts` holds kStoredContextFields numbers a context, ascending by (depth, lo); `rows` their bytes in order.
  Continuations(const PackedArray& contexts, std::span<const std::byte> rows) : contexts_(contexts), rows_(rows) {}

  [[nodiscard]] std::uint64_t size() const { return contexts_.size() / kStoredContextFields; }

  // All contexts, ascending by (depth, lo).
  [[nodiscard]] std::vector<StoredContext> contexts() const;

  // Calls f(row, count) for each row of the context of `depth` tokens that these suffixes begin with, ascending.
  // Returns false, without a call, when the context is not stored. Cost: O(log size() + rows).
  template <class F>
  bool for_each_row(SuffixRange range, std::uint64_t depth, F&& f) const {
    if (range.count() <= (kFewestSampledRows - 1) * kSampleStep) return false;
    const auto place = find(range, depth);
    if (!place) return false;
    const std::byte* next = rows_.data() + begin(*place);
    const std::byte* const end = rows_.data() + begin(*place + 1);
    std::uint64_t code = ~std::uint64_t{0};
    while (next < end) {
      const auto byte = static_cast<std::uint64_t>(*next++);
      std::uint64_t gap = byte >> kRowCountBits;
      std::uint64_t count = byte & kRowCountMask;
      if (gap == 0) gap = kRowGapMask + 1 + read_varint(next, end);
      if (count == 0) count = kRowCountMask + 1 + read_varint(next, end);
      code += gap;
      f(static_cast<RowId>(code) - 1, count);
    }
    return true;
  }

 private:
  [[nodiscard]] StoredContext context(std::uint64_t i) const;
  [[nodiscard]] std::optional<std::uint64_t> find(SuffixRange range, std::uint64_t depth) const;

  [[nodiscard]] std::uint64_t begin(std::uint64_t i) const {
    const std::uint64_t offset = i < size() ? context(i).offset : rows_.size();
    if (offset > rows_.size()) throw_damaged();
    return offset;
  }

  static std::uint64_t read_varint(const std::byte*& next, const std::byte* end) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (next == end) throw_damaged();
      const auto byte = static_cast<std::uint64_t>(*next++);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw_damaged();
  }

  [[noreturn]] static void throw_damaged();

  PackedArray contexts_;
  std::span<const std::byte> rows_;
};

}  // namespace infgram
