#include "storage/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

LargeArray<std::byte> read_whole(int file, std::size_t size_bytes, const std::filesystem::path& path) {
  LargeArray<std::byte> copy(size_bytes);
  for (std::size_t done = 0; done < size_bytes;) {
    const ssize_t n = ::read(file, copy.data() + done, size_bytes - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_system_error("read", path);
    if (n == 0)
      throw IndexDamagedError(path.string() +
                              " was truncated while it was read; do not modify the files of an open index");
    done += static_cast<std::size_t>(n);
  }
  return copy;
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
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // does not wait for a pipe
  if (file.get() < 0) {
    if (errno == ENOENT) throw IndexDamagedError(path.string() + " is missing; rebuild the index or copy it again");
    throw_system_error("open", path);
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) throw_system_error("inspect", path);

  if (!S_ISREG(status.st_mode)) throw IndexDamagedError(path.string() + " is not a regular file");

  MappedFile mapped;
  mapped.size_bytes_ = static_cast<std::size_t>(status.st_size);
  if (mapped.size_bytes_ == 0) return mapped;
  if (access == Access::kMemory) {
    mapped.copy_ = read_whole(file.get(), mapped.size_bytes_, path);
    mapped.data_ = mapped.copy_.data();
    return mapped;
  }
  void* data = ::mmap(nullptr, mapped.size_bytes_, PROT_READ, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) {
    mapped.size_bytes_ = 0;
    throw_system_error("map", path);
  }
  mapped.data_ = static_cast<const std::byte*>(data);
  mapped.guard_ = TruncationGuard(data, mapped.size_bytes_);
  advise(data, mapped.size_bytes_, access);
  return mapped;
}

void MappedFile::expect(Access access) const {
  if (data_ == nullptr || copy_.size() != 0) return;
  // The mapping is read-only; madvise takes a pointer to non-const.
  ::madvise(const_cast<std::byte*>(data_), size_bytes_, access == Access::kRandom ? MADV_RANDOM : MADV_NORMAL);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      copy_(std::move(other.copy_)),
      guard_(std::move(other.guard_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  std::swap(copy_, other.copy_);
  std::swap(guard_, other.guard_);
  return *this;
}

MappedFile::~MappedFile() {
  guard_ = TruncationGuard();
  // The mapping is read-only; munmap takes a pointer to non-const.
  if (data_ != nullptr && copy_.size() == 0) ::munmap(const_cast<std::byte*>(data_), size_bytes_);
}

}  // namespace infgram
