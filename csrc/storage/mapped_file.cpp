#include "storage/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
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
  throw StorageError(std::string("cannot ") + action + " " + path.string() + ": " + std::strerror(code), code);
}

}  // namespace

MappedFile MappedFile::open(const std::filesystem::path& path, Access access) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    if (errno == ENOENT) throw IndexDamagedError(path.string() + " is missing; rebuild the index or copy it again");
    throw_system_error("open", path);
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) throw_system_error("inspect", path);

  MappedFile mapped;
  mapped.size_bytes_ = static_cast<std::size_t>(status.st_size);
  if (mapped.size_bytes_ == 0) return mapped;
  void* data = ::mmap(nullptr, mapped.size_bytes_, PROT_READ, MAP_SHARED, file.get(), 0);
  if (data == MAP_FAILED) {
    mapped.size_bytes_ = 0;
    throw_system_error("map", path);
  }
  mapped.data_ = static_cast<const std::byte*>(data);
  // Advice only: a kernel that does not take it reads as well, if not as fast.
  ::madvise(data, mapped.size_bytes_, access == Access::kRandom ? MADV_RANDOM : MADV_NORMAL);
  return mapped;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_bytes_(std::exchange(other.size_bytes_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  // The mapping was made with PROT_READ; munmap takes a plain pointer.
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_bytes_);
}

}  // namespace infgram
