// A whole file, mapped read-only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace infgram {

// How the pages of a mapping will be read: in long runs, which the kernel may read ahead, or here and there.
enum class Access { kSequential, kRandom };

// Owns the mapping; views of it are valid as long as the object lives. Movable, immutable, safe for any number of
// threads. The file must not be truncated while it is mapped (the builder never changes a published file).
class MappedFile {
 public:
  // Cost: O(1), no page is read. Throws StorageError; IndexDamagedError when there is no such file.
  [[nodiscard]] static MappedFile open(const std::filesystem::path& path, Access access);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_bytes_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

}  // namespace infgram
