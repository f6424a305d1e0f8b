#include "storage/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/errors.hpp"

namespace infgram {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void throw_system_error(const char* action, const std::filesystem::path& path) {
  const int code = errno;
  throw StorageError(
      std::string("cannot ") + action + " " + path.string() + ": " + std::generic_category().message(code), code);
}

// Reads the bytes of a file from `begin` on.
void read_from(int file, std::size_t begin, std::span<std::byte> bytes, const std::filesystem::path& path) {
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::pread(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(begin + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_system_error("read", path);
    if (n == 0)
      throw IndexDamagedError(path.string() +
                              " was truncated while it was read; do not modify the files of an open index");
    done += static_cast<std::size_t>(n);
  }
}

// Only advice: if the kernel ignores it, reads are slower.
void advise(void* data, std::size_t size_bytes, Access access) {
  if (access == Access::kRandom) ::madvise(data, size_bytes, MADV_RANDOM);
  if (access == Access::kSoon || access == Access::kWarm) ::madvise(data, size_bytes, MADV_WILLNEED);
  if (access != Access::kWarm) return;
  constexpr std::size_t kSmallestPageBytes = 4096;
  const auto* bytes = static_cast<const volatile std::byte*>(data);
  for (std::size_t at = 0; at < size_bytes; at += kSmallestPageBytes) static_cast<void>(bytes[at]);
}

}  // namespace

MappedFile MappedFile::open(const std::filesystem::path& path, Access access) {
  return open_with_tail(path, access, {});
}

MappedFile MappedFile::open_with_tail(const std::filesystem::path& path, Access access,
                                      std::span<const std::byte> tail) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // does not wait for a pipe
  if (file.get() < 0) {
    if (errno == ENOENT) throw IndexDamagedError(path.string() + " is missing; rebuild the index or copy it again");
    throw_system_error("open", path);
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) throw_system_error("inspect", path);

  if (!S_ISREG(status.st_mode)) throw IndexDamagedError(path.string() + " is not a regular file");

  MappedFile mapped;
  const auto size_bytes = static_cast<std::size_t>(status.st_size);
  mapped.size_bytes_ = size_bytes;
  if (size_bytes == 0 && tail.empty()) return mapped;
  if (access == Access::kMemory) {
    mapped.copy_ = LargeArray<std::byte>(size_bytes + tail.size());
    const std::span<std::byte> copy(mapped.copy_.data(), mapped.copy_.size());
    read_from(file.get(), 0, copy.first(size_bytes), path);
    std::ranges::copy(tail, copy.data() + size_bytes);
    mapped.data_ = copy.data();
    return mapped;
  }
  // The file's last page is copied if the tail begins in it.
  const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t from_file = tail.empty() ? size_bytes : size_bytes - size_bytes % page_bytes;
  const std::size_t n_bytes = size_bytes + tail.size();
  void* data = MAP_FAILED;
  if (tail.empty()) {
    data = ::mmap(nullptr, n_bytes, PROT_READ, MAP_SHARED, file.get(), 0);
  } else {
    data = ::mmap(nullptr, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }
  if (data == MAP_FAILED) throw_system_error("map", path);
  mapped.data_ = static_cast<const std::byte*>(data);
  mapped.mapped_bytes_ = n_bytes;
  if (!tail.empty()) {
    if (from_file > 0 && ::mmap(data, from_file, PROT_READ, MAP_SHARED | MAP_FIXED, file.get(), 0) == MAP_FAILED) {
      throw_system_error("map", path);
    }
    auto* const rest = static_cast<std::byte*>(data) + from_file;
    read_from(file.get(), from_file, {rest, size_bytes - from_file}, path);
    std::ranges::copy(tail, rest + (size_bytes - from_file));
  }
  if (from_file == 0) return mapped;
  mapped.guard_ = TruncationGuard(data, from_file);
  advise(data, from_file, access);
  return mapped;
}

void MappedFile::expect(Access access) const {
  if (mapped_bytes_ == 0) return;
  // The mapping is read-only; madvise takes a pointer to non-const.
  ::madvise(const_cast<std::byte*>(data_), mapped_bytes_, access == Access::kRandom ? MADV_RANDOM : MADV_NORMAL);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      mapped_bytes_(std::exchange(other.mapped_bytes_, 0)),
      copy_(std::move(other.copy_)),
      guard_(std::move(other.guard_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(copy_, other.copy_);
  std::swap(guard_, other.guard_);
  return *this;
}

MappedFile::~MappedFile() {
  guard_ = TruncationGuard();
  // The mapping is read-only; munmap takes a pointer to non-const.
  if (mapped_bytes_ != 0) ::munmap(const_cast<std::byte*>(data_), mapped_bytes_);
}

}  // namespace infgram
