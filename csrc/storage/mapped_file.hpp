// A whole file, mapped read-only or copied into memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/large_array.hpp"

namespace infgram {

// How a file will be read, and what is done about it when it is opened.
enum class Access {
  kSequential,  // in long runs, which the kernel may read ahead
  kRandom,      // here and there: only what is touched is read
  kSoon,        // often: the kernel is asked to read all of it, and is not waited for
  kWarm,        // often and at once: read before open() returns
  kMemory,      // copied into memory of this process, on huge pages where the system grants them
};

// Owns the mapping or the copy; views of it are valid as long as the object lives. Movable, immutable, safe for any
// number of threads. The file must not be truncated while it is mapped (the builder never changes a published file).
class MappedFile {
 public:
  // Cost: O(1), no page is read; for kWarm and kMemory a pass over the file. Throws StorageError; IndexDamagedError
  // when there is no such file.
  [[nodiscard]] static MappedFile open(const std::filesystem::path& path, Access access);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }

  // Tells the kernel how the file will be read from now on, whatever it was opened for. Safe beside readers.
  void expect(Access access) const;

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
  LargeArray<std::byte> copy_;  // empty when data_ is a mapping
};

}  // namespace infgram
