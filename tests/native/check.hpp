// A minimal test framework.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <source_location>
#include <string>

namespace check {

inline int n_failures = 0;

// Reports a failed expectation and continues.
inline void that(bool holds, const std::string& what = "",
                 const std::source_location place = std::source_location::current()) {
  if (holds) return;
  ++n_failures;
  std::printf("%s:%u: failed %s\n", place.file_name(), place.line(), what.c_str());
}

// Expects f() to throw an Error.
template <class Error, class F>
void throws(F&& f, const std::source_location place = std::source_location::current()) {
  try {
    f();
  } catch (const Error&) {
    return;
  }
  that(false, "to throw", place);
}

// A new empty folder, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "infgram-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline int result() { return n_failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE; }

}  // namespace check
