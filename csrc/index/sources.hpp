// Where documents come from: runs of documents from consecutive lines of one file (docs/index-format.md).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/format.hpp"
#include "storage/packed_array.hpp"

namespace infgram {

// The file that a document comes from, and its line in it, from 1.
struct DocumentSource {
  std::string_view name;         // if empty, the file is the `path` in the document's own metadata, if any
  std::uint64_t line = kNoLine;  // kNoLine if the document is the whole file
};

// Collects the sources of documents in order. Memory: 24 bytes per run, and the names.
class SourceRuns {
 public:
  // Appends the source of the next document. Throws QueryError if the name contains a zero byte.
  void append(const DocumentSource& source);

  [[nodiscard]] std::string_view names() const { return names_; }
  [[nodiscard]] const std::vector<std::uint64_t>& runs() const { return runs_; }

 private:
  std::string names_;
  std::vector<std::uint64_t> runs_;
  std::uint64_t n_documents_ = 0;
  std::uint64_t last_line_ = kNoLine;
};

// A view of the two sections. The memory must outlive it.
class Sources {
 public:
  Sources() = default;
  Sources(PackedArray runs, std::span<const std::byte> names) : runs_(runs), names_(names) {}

  // Returns the source of a document, or nothing if its run points outside the names. REQUIRES at least one run. Cost:
  // O(log n_runs).
  [[nodiscard]] std::optional<DocumentSource> of(std::uint64_t document) const;

  // Returns a description of the first fault, if any: runs that do not ascend, that point to no start of a name, or
  // that should be one run. Cost: O(n_runs).
  [[nodiscard]] std::optional<std::string> fault(std::uint64_t n_documents) const;

 private:
  [[nodiscard]] std::uint64_t n_runs() const { return runs_.size() / kSourceRunFields; }
  [[nodiscard]] std::uint64_t first_document(std::uint64_t run) const { return runs_[run * kSourceRunFields]; }
  [[nodiscard]] std::uint64_t name_begin(std::uint64_t run) const { return runs_[run * kSourceRunFields + 1]; }
  [[nodiscard]] std::uint64_t first_line(std::uint64_t run) const { return runs_[run * kSourceRunFields + 2]; }
  [[nodiscard]] bool is_whole(std::uint64_t name_begin) const;

  PackedArray runs_;
  std::span<const std::byte> names_;
};

}  // namespace infgram
