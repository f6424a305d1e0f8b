// A library for LD_PRELOAD that counts the system calls which change files below one folder, and can stop at one of
// them. `test_crash.py` builds and uses it.
//
//   FAULT_FOLDER=/path   only calls for files below this folder count
//   fault_arm(n, code)   before call n (from 0): kill the process (code 0), or fail with this errno instead
//   fault_count()        the number of calls so far
//   fault_failed()       the name of the call that failed; empty if none did
//   fault_log(path)      append each call and its data to a file, for the model of a power loss in disk_model.py
//
// The functions of C that Python and the core call are replaced; what they do inside libc is not seen.
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <string>

namespace {

constexpr int kMaxFiles = 4096;

std::atomic<std::int64_t> n_calls{0};
std::int64_t armed_call = -1;
int armed_code = 0;
const char* failed = "";
int log_file = -1;
std::mutex log_mutex;
std::string tracked[kMaxFiles];  // by descriptor: the path when it was opened; empty for other files

const std::string& folder() {
  static const std::string path = [] {
    const char* value = getenv("FAULT_FOLDER");
    return std::string(value == nullptr ? "" : value);
  }();
  return path;
}

template <class F>
F next(const char* name) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, name));
}

std::string path_of(int descriptor) {
  char link[64];
  char target[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t n = readlink(link, target, sizeof target);
  return n < 0 ? "" : std::string(target, static_cast<std::size_t>(n));
}

std::string absolute(int at, const char* path) {
  if (path == nullptr) return "";
  if (path[0] == '/') return path;
  std::string base;
  if (at == AT_FDCWD) {
    char current[PATH_MAX];
    base = getcwd(current, sizeof current) == nullptr ? "" : current;
  } else {
    base = path_of(at);
  }
  return base + "/" + path;
}

// Whether the path is the folder or below it.
bool is_below(const std::string& path) {
  return !folder().empty() && path.compare(0, folder().size(), folder()) == 0 &&
         (path.size() == folder().size() || path[folder().size()] == '/');
}

bool is_tracked(int descriptor) { return descriptor >= 0 && descriptor < kMaxFiles && !tracked[descriptor].empty(); }

// Counts a call. Returns whether it must fail, with errno set.
bool fails(const char* name) {
  const std::int64_t call = n_calls++;
  if (call != armed_call) return false;
  if (armed_code == 0) raise(SIGKILL);
  failed = name;
  errno = armed_code;
  return true;
}

void put(std::string& record, std::uint64_t value) { record.append(reinterpret_cast<const char*>(&value), 8); }

void put(std::string& record, const std::string& text) {
  put(record, std::uint64_t{text.size()});
  record += text;
}

// One record: the name of the call, two paths, an offset, the data.
void log(const char* call, const std::string& path, const std::string& other = "", std::uint64_t offset = 0,
         const void* data = nullptr, std::size_t size = 0) {
  if (log_file < 0) return;
  std::string record;
  put(record, std::string(call));
  put(record, path);
  put(record, other);
  put(record, offset);
  put(record, data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size));
  const std::scoped_lock lock(log_mutex);
  syscall(SYS_write, log_file, record.data(), record.size());
}

int opened(int descriptor, const std::string& path, int flags) {
  if (descriptor < 0 || descriptor >= kMaxFiles) return descriptor;
  tracked[descriptor] = path;
  if ((flags & O_CREAT) != 0) log("create", path);
  if ((flags & O_TRUNC) != 0) log("truncate", path);
  return descriptor;
}

int open_at(int at, const char* path, int flags, mode_t mode) {
  const std::string whole = absolute(at, path);
  const bool below = is_below(whole);
  const bool exists = faccessat(at, path, F_OK, 0) == 0;
  if (below && (flags & O_CREAT) != 0 && fails("open")) return -1;
  using Open = int (*)(int, const char*, int, mode_t);
  const int descriptor = next<Open>("openat")(at, path, flags, mode);
  if (descriptor >= 0 && descriptor < kMaxFiles && !below) tracked[descriptor].clear();
  return below ? opened(descriptor, whole, exists ? flags & ~O_CREAT : flags & ~O_TRUNC) : descriptor;
}

mode_t mode_in(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace

extern "C" {

void fault_arm(std::int64_t call, int code) {
  armed_call = call;
  armed_code = code;
  n_calls = 0;
}

std::int64_t fault_count() { return n_calls; }

const char* fault_failed() { return failed; }

void fault_log(const char* path) {
  log_file = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
}

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int at, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return open_at(at, path, flags, mode);
}

int openat64(int at, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return open_at(at, path, flags, mode);
}

ssize_t write(int file, const void* data, size_t size) {
  using Write = ssize_t (*)(int, const void*, size_t);
  if (!is_tracked(file)) return next<Write>("write")(file, data, size);
  if (fails("write")) return -1;
  const off_t offset = lseek(file, 0, SEEK_CUR);
  const ssize_t done = next<Write>("write")(file, data, size);
  if (done > 0) log("write", tracked[file], "", static_cast<std::uint64_t>(offset), data, static_cast<size_t>(done));
  return done;
}

ssize_t pwrite(int file, const void* data, size_t size, off_t offset) {
  using Write = ssize_t (*)(int, const void*, size_t, off_t);
  if (!is_tracked(file)) return next<Write>("pwrite")(file, data, size, offset);
  if (fails("write")) return -1;
  const ssize_t done = next<Write>("pwrite")(file, data, size, offset);
  if (done > 0) log("write", tracked[file], "", static_cast<std::uint64_t>(offset), data, static_cast<size_t>(done));
  return done;
}

ssize_t pwrite64(int file, const void* data, size_t size, off_t offset) { return pwrite(file, data, size, offset); }

int fsync(int file) {
  using Sync = int (*)(int);
  if (!is_tracked(file)) return next<Sync>("fsync")(file);
  if (fails("fsync")) return -1;
  const int done = next<Sync>("fsync")(file);
  if (done == 0) log("sync", path_of(file));
  return done;
}

int fdatasync(int file) { return fsync(file); }

int close(int file) {
  using Close = int (*)(int);
  const bool counts = is_tracked(file) && (fcntl(file, F_GETFL) & O_ACCMODE) != O_RDONLY;
  if (file >= 0 && file < kMaxFiles) tracked[file].clear();
  const bool must_fail = counts && fails("close");
  const int code = errno;
  const int done = next<Close>("close")(file);  // Linux closes the file even where it reports an error
  if (!must_fail) return done;
  errno = code;
  return -1;
}

int ftruncate(int file, off_t size) {
  using Truncate = int (*)(int, off_t);
  if (!is_tracked(file)) return next<Truncate>("ftruncate")(file, size);
  if (fails("ftruncate")) return -1;
  const int done = next<Truncate>("ftruncate")(file, size);
  if (done == 0) log("resize", tracked[file], "", static_cast<std::uint64_t>(size));
  return done;
}

int ftruncate64(int file, off_t size) { return ftruncate(file, size); }

int renameat2(int from_at, const char* from, int to_at, const char* to, unsigned flags) {
  using Rename = int (*)(int, const char*, int, const char*, unsigned);
  const std::string old_path = absolute(from_at, from);
  const std::string new_path = absolute(to_at, to);
  if (!is_below(old_path) && !is_below(new_path)) return next<Rename>("renameat2")(from_at, from, to_at, to, flags);
  if (fails("rename")) return -1;
  const int done = next<Rename>("renameat2")(from_at, from, to_at, to, flags);
  if (done == 0) log((flags & RENAME_EXCHANGE) != 0 ? "exchange" : "rename", old_path, new_path);
  return done;
}

int renameat(int from_at, const char* from, int to_at, const char* to) {
  return renameat2(from_at, from, to_at, to, 0);
}

int rename(const char* from, const char* to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int at, const char* path, int flags) {
  using Unlink = int (*)(int, const char*, int);
  const std::string whole = absolute(at, path);
  if (is_below(whole) && fails("remove")) return -1;
  const int done = next<Unlink>("unlinkat")(at, path, flags);
  if (done == 0 && is_below(whole)) log("remove", whole);
  return done;
}

int unlink(const char* path) { return unlinkat(AT_FDCWD, path, 0); }

int rmdir(const char* path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int at, const char* path, mode_t mode) {
  using Make = int (*)(int, const char*, mode_t);
  const std::string whole = absolute(at, path);
  if (is_below(whole) && fails("folder")) return -1;
  const int done = next<Make>("mkdirat")(at, path, mode);
  if (done == 0 && is_below(whole)) log("folder", whole);
  return done;
}

int mkdir(const char* path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

}  // extern "C"
