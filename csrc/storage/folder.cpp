#include "storage/folder.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

#include "base/errors.hpp"

namespace infgram {
namespace {

void rename_folder(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0) return;
  const int code = errno;
  throw StorageError(
      "cannot rename " + from.string() + " to " + to.string() + ": " + std::generic_category().message(code), code);
}

// Exchanges two folders. Returns false if the kernel or the file system cannot.
bool exchange(const std::filesystem::path& a, const std::filesystem::path& b) {
#ifdef RENAME_EXCHANGE
  if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) return true;
  const int code = errno;
  if (code == EINVAL || code == ENOSYS || code == EOPNOTSUPP) return false;
  throw StorageError(
      "cannot exchange " + a.string() + " and " + b.string() + ": " + std::generic_category().message(code), code);
#else
  static_cast<void>(a);
  static_cast<void>(b);
  return false;
#endif
}

}  // namespace

void sync_folder(const std::filesystem::path& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool done = file >= 0 && ::fsync(file) == 0;
  const int code = errno;
  if (file >= 0) ::close(file);
  if (!done)
    throw StorageError("cannot flush the folder " + folder.string() + ": " + std::generic_category().message(code),
                       code);
}

std::filesystem::path publish_folder(const std::filesystem::path& finished, const std::filesystem::path& target) {
  std::filesystem::path replaced;
  if (!std::filesystem::exists(target)) {
    rename_folder(finished, target);
  } else if (exchange(finished, target)) {
    replaced = finished;
  } else {
    replaced = finished.string() + ".old";
    rename_folder(target, replaced);
    rename_folder(finished, target);
  }
  sync_folder(target.has_parent_path() ? target.parent_path() : ".");
  return replaced;
}

}  // namespace infgram
