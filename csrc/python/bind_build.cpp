// Binds writing and verifying shards. The GIL is released while tokens are written, sorted or verified: a writer is
// used by one thread at a time (its Python owner guarantees this), and sorting touches no Python object but the
// callback.
#include <pybind11/stl.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>

#include "base/checksum.hpp"
#include "base/errors.hpp"
#include "index/shard.hpp"
#include "index/shard_writer.hpp"
#include "python/paths.hpp"
#include "python/polling.hpp"
#include "python/tokens.hpp"
#include "query/removal.hpp"
#include "storage/folder.hpp"

namespace infgram::python {
namespace {

using Release = py::call_guard<py::gil_scoped_release>;

using Ids = py::array_t<std::uint32_t, py::array::c_style>;
using Lengths = py::array_t<std::int64_t, py::array::c_style>;

void add_documents(ShardWriter& writer, const Ids& token_ids, const Lengths& lengths,
                   const std::vector<py::bytes>& metadata, const std::vector<py::bytes>& sources,
                   const Lengths& lines) {
  const auto ids = std::span(token_ids.data(), static_cast<std::size_t>(token_ids.size()));
  const auto sizes = std::span(lengths.data(), static_cast<std::size_t>(lengths.size()));
  std::uint64_t total = 0;
  for (const std::int64_t size : sizes) {
    if (size < 0) throw QueryError("a document's length is negative");
    total += static_cast<std::uint64_t>(size);
  }
  const auto numbers = std::span(lines.data(), static_cast<std::size_t>(lines.size()));
  if (sizes.size() != metadata.size() || sizes.size() != sources.size() || sizes.size() != numbers.size() ||
      total != ids.size()) {
    throw QueryError("token ids, lengths, metadata, sources and lines do not match in number");
  }
  if (std::ranges::any_of(numbers, [](std::int64_t line) { return line < 0; })) {
    throw QueryError("a document's line is negative");
  }
  const std::vector<std::string_view> json(metadata.begin(), metadata.end());  // views of bytes that the caller holds
  const std::vector<std::string_view> names(sources.begin(), sources.end());
  const py::gil_scoped_release release;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    writer.add_document(ids.subspan(begin, static_cast<std::size_t>(sizes[i])), json[i],
                        {names[i], static_cast<std::uint64_t>(numbers[i])});
    begin += static_cast<std::size_t>(sizes[i]);
  }
}

void sort(const std::filesystem::path& folder, std::size_t n_threads, std::uint64_t memory_bytes,
          const std::optional<Callback>& progress) {
  const SortProgress poll = throttled(progress);
  const py::gil_scoped_release release;
  sort_shard(folder, {.n_threads = n_threads, .memory_bytes = memory_bytes}, poll);
}

void verify(const std::filesystem::path& folder, const std::optional<Callback>& progress) {
  const SortProgress poll = throttled(progress);
  const py::gil_scoped_release release;
  Shard::open({.folder = folder}, Access::kSequential).verify(poll);
}

void verify_section(const std::filesystem::path& file) {
  const SectionKind kind = kind_of(file.filename().string());
  if (kind == SectionKind::kNone) throw QueryError(file.string() + " is not the name of a file of a shard");
  Section::open(file, kind, Access::kSequential).verify();
}

using Documents = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

std::vector<std::uint64_t> numbers_from(const Documents& documents) {
  if (documents.ndim() != 1) throw QueryError("expected a one-dimensional array of document numbers");
  std::vector<std::uint64_t> numbers;
  numbers.reserve(static_cast<std::size_t>(documents.size()));
  for (const std::int64_t document : std::span(documents.data(), static_cast<std::size_t>(documents.size()))) {
    if (document < 0) throw QueryError("document number " + std::to_string(document) + " is negative");
    numbers.push_back(static_cast<std::uint64_t>(document));
  }
  return numbers;
}

void finish(ShardWriter& writer, const std::optional<Documents>& document_numbers) {
  const auto numbers = document_numbers ? numbers_from(*document_numbers) : std::vector<std::uint64_t>();
  const py::gil_scoped_release release;
  writer.finish(numbers);
}

// (removed documents, their tokens)
std::pair<std::uint64_t, std::uint64_t> write(const ShardState& shard, const Documents& documents,
                                              std::uint64_t generation, const std::optional<Callback>& progress) {
  const auto numbers = numbers_from(documents);
  const SortProgress poll = throttled(progress);
  const py::gil_scoped_release release;
  const Removal removal = write_removals(shard, numbers, generation, poll);
  return {removal.n_documents, removal.n_tokens};
}

}  // namespace

void bind_build(py::module_& module) {
  py::class_<ShardWriter>(module, "ShardWriter",
                          "Write every section of a shard that does not depend on its suffix array.")
      .def(py::init<std::filesystem::path, std::uint64_t, unsigned>(), py::arg("folder"), py::arg("vocab_size"),
           py::arg("token_bits"), "Token ids go from 0 to vocab_size - 1; token_bits is 8, 16 or 32.")
      .def("add_documents", &add_documents, py::arg("token_ids").noconvert(), py::arg("lengths").noconvert(),
           py::arg("metadata"), py::arg("sources"), py::arg("lines").noconvert(),
           "Append documents: their concatenated token ids (uint32), their lengths (int64), their metadata (JSON "
           "bytes), "
           "the names of their files (bytes; empty for none), their lines (int64; 0 for none).")
      .def_property_readonly("n_tokens", &ShardWriter::n_tokens, "Tokens so far.")
      .def_property_readonly("n_documents", &ShardWriter::n_documents, "Documents so far.")
      .def("finish", &finish, py::arg("document_numbers") = py::none(),
           "Publish the files. The numbers of the documents in the index are written unless they are consecutive "
           "(None).");
  module.def("write_removals", &write, py::arg("shard"), py::arg("documents"), py::arg("generation"),
             py::arg("progress") = std::optional<Callback>(),
             "Write the removal files of a generation: `documents` are the numbers in the shard of all removed "
             "documents, "
             "ascending, earlier ones included. Return (removed documents, removed tokens); call progress(n_read).");
  module.def("sort_shard", &sort, py::arg("folder"), py::arg("n_threads"), py::arg("memory_bytes"),
             py::arg("progress") = std::optional<Callback>(),
             "Write the suffix array of a finished shard; call progress(n_sorted) from time to time.");
  module.def(
      "verify_section",
      [](const std::filesystem::path& file) {
        const py::gil_scoped_release release;
        verify_section(file);
      },
      py::arg("file"), "Check every byte of a file of a shard against its checksum.");
  module.def("verify_shard", &verify, py::arg("folder"), py::arg("progress") = std::optional<Callback>(),
             "Check every byte of a shard, and that its suffix array is complete and sorted.");
  module.def("token_bits_for", &token_bits_for, py::arg("vocab_size"), "The token width for a vocabulary, in bits.");
  module.def("sync_folder", &sync_folder, py::arg("folder"), Release(), "Flush a folder's entries to disk.");
  module.def("publish_folder", &publish_folder, py::arg("finished"), py::arg("target"), Release(),
             "Rename a finished folder to its target atomically; return the path of the folder it replaced, or an "
             "empty path.");
  module.def(
      "checksum",
      [](const py::bytes& bytes) {
        return Checksum::of(std::as_bytes(std::span(static_cast<std::string_view>(bytes))));
      },
      py::arg("data"), "XXH64 of the bytes.");
  module.attr("FORMAT_VERSION") = kFormatVersion;
  module.attr("OLDEST_READABLE_FORMAT_VERSION") = kOldestReadableFormatVersion;
}

}  // namespace infgram::python
