// Where the documents of a text begin.
#pragma once

#include <cstdint>

#include "base/types.hpp"
#include "storage/packed_array.hpp"

namespace infgram {

// A view of the position of each document's first token, then the end of the text. Its numbers are untrusted. The
// memory must outlive it.
class DocumentStarts {
 public:
  DocumentStarts() = default;
  // `first` is added to each of `starts`: the text before it is no document.
  explicit DocumentStarts(const PackedArray& starts, Position first = 0) : starts_(starts), first_(first) {}

  // REQUIRES document <= the number of documents.
  [[nodiscard]] Position operator[](std::uint64_t document) const { return starts_[document] + first_; }
  [[nodiscard]] std::uint64_t n_documents() const { return starts_.size() - 1; }
  [[nodiscard]] Position first() const { return first_; }

 private:
  PackedArray starts_;
  Position first_ = 0;
};

}  // namespace infgram
