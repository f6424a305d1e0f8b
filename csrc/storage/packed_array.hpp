// Arrays of unsigned integers of equal width, packed without gaps: element i occupies `bits` bits from bit i * bits,
// counted from the least significant bit of the first byte.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/concepts.hpp"

namespace infgram {

// The widest element that one unaligned 64-bit load can always read.
inline constexpr unsigned kMaxPackedBits = 57;

// Returns the smallest width that holds every value in [0, max_value]; at least 1.
[[nodiscard]] constexpr unsigned packed_bits(std::uint64_t max_value) {
  return std::max(1, static_cast<int>(std::bit_width(max_value)));
}

[[nodiscard]] constexpr std::uint64_t packed_bytes(std::uint64_t n_elements, unsigned bits) {
  return (n_elements * bits + 7) / 8;
}

// A view. The memory must outlive it, with at least 8 readable bytes after the packed ones.
class PackedArray {
 public:
  PackedArray() = default;
  // REQUIRES bits in [1, kMaxPackedBits].
  PackedArray(const std::byte* data, std::uint64_t n_elements, unsigned bits)
      : data_(data), size_(n_elements), bits_(bits), mask_((std::uint64_t{1} << bits) - 1) {}
  // A view of integers of `n_bytes` bytes, of which the lowest `shift` bits and those from kMaxPackedBits on are
  // ignored. REQUIRES n_bytes in [1, 8], shift < 8.
  static PackedArray of_bytes(const std::byte* data, std::uint64_t n_elements, unsigned n_bytes, unsigned shift) {
    PackedArray array(data, n_elements, std::min(8 * n_bytes, kMaxPackedBits) - shift);
    array.bits_ = 8 * n_bytes;
    array.shift_ = shift;
    return array;
  }

  // Cost: one unaligned load. REQUIRES i < size().
  [[nodiscard]] std::uint64_t operator[](std::uint64_t i) const {
    const std::uint64_t bit = i * bits_;
    std::uint64_t word;
    std::memcpy(&word, data_ + (bit >> 3), sizeof word);
    return (word >> ((bit & 7) + shift_)) & mask_;
  }

  // The address at which element i begins, for prefetching.
  [[nodiscard]] const std::byte* address(std::uint64_t i) const { return data_ + (i * bits_ >> 3); }

  [[nodiscard]] std::uint64_t size() const { return size_; }
  // From one element to the next.
  [[nodiscard]] unsigned bits() const { return bits_; }

 private:
  const std::byte* data_ = nullptr;
  std::uint64_t size_ = 0;
  unsigned bits_ = 0;
  unsigned shift_ = 0;  // ignored bits at the beginning of each element
  std::uint64_t mask_ = 0;
};

[[nodiscard]] inline std::vector<std::uint64_t> values_of(const PackedArray& array) {
  std::vector<std::uint64_t> values;
  values.reserve(array.size());
  for (std::uint64_t i = 0; i < array.size(); ++i) values.push_back(array[i]);
  return values;
}

// Packs values and appends the bytes to a sink.
template <ByteSink Sink>
class BitPacker {
 public:
  // REQUIRES bits in [1, kMaxPackedBits]. `sink` must outlive the packer.
  BitPacker(Sink& sink, unsigned bits) : sink_(sink), bits_(bits), buffer_(kFlushBytes + sizeof word_) {}

  // REQUIRES value < 2^bits.
  void append(std::uint64_t value) {
    word_ |= value << n_pending_bits_;
    n_pending_bits_ += bits_;
    ++n_elements_;
    std::memcpy(buffer_.data() + n_bytes_, &word_, sizeof word_);
    const unsigned n_whole = n_pending_bits_ / 8;
    n_bytes_ += n_whole;
    word_ = (word_ >> (4 * n_whole)) >> (4 * n_whole);  // in two steps, because a shift by 64 is undefined
    n_pending_bits_ %= 8;
    if (n_bytes_ >= kFlushBytes) flush();
  }

  // Writes the last, partly filled byte. Returns the number of elements. Nothing may be appended afterwards.
  std::uint64_t finish() {
    if (n_pending_bits_ > 0) buffer_[n_bytes_++] = static_cast<std::byte>(word_);
    flush();
    return n_elements_;
  }

 private:
  static constexpr std::size_t kFlushBytes = 1 << 16;

  void flush() {
    sink_.append(std::span(buffer_).first(n_bytes_));
    n_bytes_ = 0;
  }

  Sink& sink_;
  unsigned bits_;
  std::uint64_t word_ = 0;
  unsigned n_pending_bits_ = 0;  // below 8 between calls, so that value << n_pending_bits_ keeps 57 bits
  std::uint64_t n_elements_ = 0;
  std::vector<std::byte> buffer_;
  std::size_t n_bytes_ = 0;  // in the buffer
};

}  // namespace infgram
