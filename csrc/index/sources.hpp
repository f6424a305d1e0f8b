// Where documents come from: runs of documents from one file whose lines follow each other (docs/index-format.md).
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

// The file that a document comes from, and its line there, from 1.
struct DocumentSource {
  std::string_view name;         // empty: the file is what the document's own metadata call its `path`, if anything
  std::uint64_t line = kNoLine;  // kNoLine: the document is the whole file
};

// Collects the sources of documents in their order. Memory: 24 bytes a run, and the names.
class SourceRuns {
 public:
  // Appends the source of the next document. Throws QueryError when the name holds a zero byte.
  void append(const DocumentSource& source);

  [[nodiscard]] std::string_view names() const { return names_; }
  [[nodiscard]] const std::vector<std::uint64_t>& runs() const { return runs_; }

 private:
  std::string names_;
  std::vector<std::uint64_t> runs_;
  std::uint64_t n_documents_ = 0;
  std::uint64_t last_line_ = kNoLine;
};

// The same, mapped. A view; the memory must outlive it.
class Sources {
 public:
  Sources() = default;
  Sources(PackedArray runs, std::span<const std::byte> names) : runs_(runs), names_(names) {}

  // None when the run points outside the names. REQUIRES that there is a run. Cost: O(log n_runs).
  [[nodiscard]] std::optional<DocumentSource> of(std::uint64_t document) const;

  // What is wrong, if anything: runs that do not ascend, that point to no beginning of a name, or that could be one.
  // Cost: O(n_runs).
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
