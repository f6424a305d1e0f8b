// XXH64 with seed 0: a fast 64-bit checksum. It detects accidents, not attackers.
// Written from the published specification (Yann Collet, "xxHash fast digest algorithm", version 0.1.1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace infgram {

// Computes the checksum of bytes that arrive in pieces of any size. Cost: about 0.1 ns a byte; no allocation.
class Checksum {
 public:
  void update(std::span<const std::byte> bytes);

  // Returns the checksum of all bytes so far. More bytes may follow.
  [[nodiscard]] std::uint64_t value() const;

  // Returns the checksum of `bytes`.
  [[nodiscard]] static std::uint64_t of(std::span<const std::byte> bytes);

 private:
  static constexpr std::size_t kStripeBytes = 32;

  void consume_stripes(const std::byte* bytes, std::size_t n_stripes);

  std::array<std::uint64_t, 4> lanes_ = initial_lanes();
  std::array<std::byte, kStripeBytes> pending_{};
  std::size_t n_pending_ = 0;
  std::uint64_t n_bytes_ = 0;

  static std::array<std::uint64_t, 4> initial_lanes();
};

}  // namespace infgram
