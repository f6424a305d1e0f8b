#include "base/checksum.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace infgram {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;

template <class Integer>
Integer load(const std::byte* bytes) {
  Integer value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

std::uint64_t round(std::uint64_t lane, std::uint64_t input) { return std::rotl(lane + input * kPrime2, 31) * kPrime1; }

std::uint64_t merge(std::uint64_t hash, std::uint64_t lane) { return (hash ^ round(0, lane)) * kPrime1 + kPrime4; }

std::uint64_t finish(std::uint64_t hash, const std::byte* tail, std::size_t n) {
  for (; n >= 8; tail += 8, n -= 8) {
    hash = std::rotl(hash ^ round(0, load<std::uint64_t>(tail)), 27) * kPrime1 + kPrime4;
  }
  if (n >= 4) {
    hash = std::rotl(hash ^ load<std::uint32_t>(tail) * kPrime1, 23) * kPrime2 + kPrime3;
    tail += 4;
    n -= 4;
  }
  for (; n > 0; ++tail, --n) hash = std::rotl(hash ^ std::to_integer<std::uint64_t>(*tail) * kPrime5, 11) * kPrime1;
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace

std::array<std::uint64_t, 4> Checksum::initial_lanes() { return {kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1}; }

void Checksum::consume_stripes(const std::byte* bytes, std::size_t n_stripes) {
  for (; n_stripes > 0; --n_stripes, bytes += kStripeBytes) {
    for (std::size_t i = 0; i < 4; ++i) lanes_[i] = round(lanes_[i], load<std::uint64_t>(bytes + 8 * i));
  }
}

void Checksum::update(std::span<const std::byte> bytes) {
  n_bytes_ += bytes.size();
  if (n_pending_ > 0) {
    const std::size_t n = std::min(kStripeBytes - n_pending_, bytes.size());
    std::copy_n(bytes.data(), n, pending_.data() + n_pending_);
    n_pending_ += n;
    bytes = bytes.subspan(n);
    if (n_pending_ < kStripeBytes) return;
    consume_stripes(pending_.data(), 1);
    n_pending_ = 0;
  }
  const std::size_t n_stripes = bytes.size() / kStripeBytes;
  consume_stripes(bytes.data(), n_stripes);
  bytes = bytes.subspan(n_stripes * kStripeBytes);
  std::ranges::copy(bytes, pending_.begin());
  n_pending_ = bytes.size();
}

std::uint64_t Checksum::value() const {
  std::uint64_t hash = kPrime5;
  if (n_bytes_ >= kStripeBytes) {
    hash = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) + std::rotl(lanes_[3], 18);
    for (const std::uint64_t lane : lanes_) hash = merge(hash, lane);
  }
  return finish(hash + n_bytes_, pending_.data(), n_pending_);
}

std::uint64_t Checksum::of(std::span<const std::byte> bytes) {
  Checksum checksum;
  checksum.update(bytes);
  return checksum.value();
}

}  // namespace infgram
