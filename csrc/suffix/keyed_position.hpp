// A position and the integer to sort it by.
#pragma once

#include <cstdint>

namespace infgram {

// Takes 12 bytes with a 32-bit position: the key is stored in halves to avoid padding.
template <StoredPosition Pos>
class KeyedPosition {
 public:
  KeyedPosition() = default;
  KeyedPosition(std::uint64_t key, Pos at) : position(at) { set_key(key); }

  [[nodiscard]] std::uint64_t key() const { return std::uint64_t{high_} << 32 | low_; }
  void set_key(std::uint64_t key) {
    low_ = static_cast<std::uint32_t>(key);
    high_ = static_cast<std::uint32_t>(key >> 32);
  }

 private:
  std::uint32_t low_;
  std::uint32_t high_;

 public:
  Pos position;  // NOLINT(misc-non-private-member-variables-in-classes): a plain field beside the packed key
};

}  // namespace infgram
