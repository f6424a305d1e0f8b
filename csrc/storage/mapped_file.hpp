// A whole file, mapped read-only or copied into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/large_array.hpp"
#include "storage/truncation.hpp"

namespace infgram {

// The expected access pattern, and what open() does about it.
enum class Access {
  kSequential,  // long sequential reads; the kernel may read ahead
  kRandom,      // random reads; only touched pages are loaded
  kSoon,        // frequent reads; the kernel is asked to load the whole file, without waiting
  kWarm,        // frequent reads; the whole file is loaded before open() returns
  kMemory,      // copied into the memory of this process, on huge pages where available
};

// Owns the mapping or the copy; views are valid as long as the object lives. Movable, immutable, safe for concurrent
// readers. If the file is truncated while it is mapped, lost pages read as zeros (storage/truncation.hpp).
class MappedFile {
 public:
  // Cost: O(1), no page is read; for kWarm and kMemory one pass over the file. Throws IndexDamagedError if the file
  // does not exist, StorageError for other failures.
  [[nodiscard]] static MappedFile open(const std::filesystem::path& path, Access access);

  // Like open(), with the bytes of `tail` readable directly after bytes(). Reads the last page.
  [[nodiscard]] static MappedFile open_with_tail(const std::filesystem::path& path, Access access,
                                                 std::span<const std::byte> tail);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }

  // Whether bytes() may differ from the file that was opened, since it was truncated or a page could not be read.
  [[nodiscard]] bool has_lost_pages() const { return guard_.has_lost_pages(); }

  // Advises the kernel of the access pattern from now on. Safe beside concurrent readers.
  void expect(Access access) const;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  std::size_t mapped_bytes_ = 0;  // 0 if data_ is a copy
  LargeArray<std::byte> copy_;    // empty if data_ is a mapping
  TruncationGuard guard_;         // of the mapping
};

}  // namespace infgram
