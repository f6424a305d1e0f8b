// The errors that the core throws deliberately. The binding maps each class to the Python class of the same name
// (infgram/errors.py). A message says what was found, what was expected and what to do.
#pragma once

#include <stdexcept>
#include <string>

namespace infgram {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An invalid query: a token id outside the vocabulary, a rank outside the suffix array.
class QueryError : public Error {
 public:
  using Error::Error;
};

// An index whose files are truncated, altered, swapped or missing.
class IndexDamagedError : public Error {
 public:
  using Error::Error;
};

// A file whose format version is not supported.
class IndexVersionError : public Error {
 public:
  using Error::Error;
};

// Tokens that are not in the vocabulary of the tokenizer that was given for them.
class TokenizerError : public Error {
 public:
  using Error::Error;
};

// A failed system call: disk full, no permission, I/O error. `code` is the errno.
class StorageError : public Error {
 public:
  StorageError(const std::string& what, int code) : Error(what), code_(code) {}
  [[nodiscard]] int code() const { return code_; }

 private:
  int code_;
};

}  // namespace infgram
