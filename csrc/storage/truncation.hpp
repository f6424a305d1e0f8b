// What happens when a mapped file is truncated: reads beyond its new end give zeros, and the mapping remembers it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace infgram {

// The kernel sends SIGBUS for a read of a mapped page that the file no longer has, or that the disk cannot deliver;
// by default that ends the process. While a TruncationGuard covers a mapping, the signal handler puts a page of zeros
// in the place of the lost page instead, and the read goes on. Every number from a file is checked before it is used,
// so zeros cannot do harm; a query asks has_lost_pages() before it returns a result that may be wrong.
//
// The handler only reads atomics and calls mmap(); it unwinds no stack and takes no lock. Signals for other addresses
// are passed to the handler that was installed before. Each new guard installs the handler again if the program has
// replaced it meanwhile. Guards can be made and dropped on any thread.
class TruncationGuard {
 public:
  TruncationGuard() = default;
  // Covers [data, data + size_bytes), a mapping that starts at a page. Drop the guard before unmapping.
  TruncationGuard(const void* data, std::size_t size_bytes);
  TruncationGuard(TruncationGuard&& other) noexcept;
  TruncationGuard& operator=(TruncationGuard&& other) noexcept;
  TruncationGuard(const TruncationGuard&) = delete;
  TruncationGuard& operator=(const TruncationGuard&) = delete;
  ~TruncationGuard();

  // Whether a page of this mapping was replaced by zeros.
  [[nodiscard]] bool has_lost_pages() const { return range_ != nullptr && range_->has_lost_pages.load(); }

  // Whether any mapping of the process ever lost a page. Cost: one load, for the check after every query.
  [[nodiscard]] static bool any_lost_pages();

  // An entry of the registry, which the signal handler searches.
  struct Range {
    std::atomic<std::uintptr_t> begin = 0;  // 0 if the entry is free
    std::atomic<std::uintptr_t> end = 0;    // 0 unless the entry is complete
    std::atomic<bool> has_lost_pages = false;
  };

 private:
  Range* range_ = nullptr;
};

}  // namespace infgram
