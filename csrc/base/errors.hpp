// Every error that the core raises on purpose. The binding maps each class to the Python class of the same name
// (infgram/errors.py). Messages say what was found, what was expected and what to do next.
#pragma once

#include <stdexcept>
#include <string>

namespace infgram {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The question itself is wrong: a token id outside the vocabulary, a rank outside the suffix array.
class QueryError : public Error {
 public:
  using Error::Error;
};

// The files of an index contradict themselves: truncated, altered, swapped or missing.
class IndexDamagedError : public Error {
 public:
  using Error::Error;
};

// The file has a format version that this version cannot read.
class IndexVersionError : public Error {
 public:
  using Error::Error;
};

// The operating system refused: disk full, no permission, I/O error. `code` is the errno.
class StorageError : public Error {
 public:
  StorageError(const std::string& what, int code) : Error(what), code_(code) {}
  [[nodiscard]] int code() const { return code_; }

 private:
  int code_;
};

}  // namespace infgram
