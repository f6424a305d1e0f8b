// Binds the search for duplicates. The GIL is released meanwhile: an Index is immutable, and the search touches no
// Python object but the callback.
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "base/errors.hpp"
#include "python/checked.hpp"
#include "python/polling.hpp"
#include "query/duplicates.hpp"

namespace infgram::python {
namespace {

struct OwnedDuplicates {
  std::shared_ptr<const Index> index;  // keeps the files open
  Duplicates duplicates;
};

std::unique_ptr<OwnedDuplicates> find_duplicates(const std::shared_ptr<const Index>& index, std::uint64_t min_tokens,
                                                 std::size_t n_threads, const std::optional<Callback>& progress) {
  if (min_tokens == 0 || n_threads == 0) throw QueryError("expected min_tokens >= 1 and n_threads >= 1");
  const Callback poll = throttled(progress);
  const py::gil_scoped_release release;
  return std::make_unique<OwnedDuplicates>(index, Duplicates::find(*index, min_tokens, n_threads, poll));
}

// (documents, begins, ends)
auto range_arrays(const OwnedDuplicates& found, std::uint64_t first, std::uint64_t last) {
  std::vector<std::int64_t> documents;
  std::vector<std::int64_t> begins;
  std::vector<std::int64_t> ends;
  {
    const py::gil_scoped_release release;
    for (const DocumentRange& range : found.duplicates.ranges(first, last)) {
      documents.push_back(static_cast<std::int64_t>(range.document));
      begins.push_back(static_cast<std::int64_t>(range.begin));
      ends.push_back(static_cast<std::int64_t>(range.end));
    }
  }
  return std::tuple(array_from(std::move(documents)), array_from(std::move(begins)), array_from(std::move(ends)));
}

}  // namespace

void bind_duplicates(py::module_& module) {
  py::class_<OwnedDuplicates>(module, "Duplicates", "The passages of an index that repeat an earlier one.")
      .def("ranges", checked(&range_arrays), py::arg("first"), py::arg("last"),
           "(documents, begins, ends) int64: token offsets of the duplicates in the documents with numbers in [first, "
           "last).");
  class_of_index(module).def(
      "duplicates", checked(&find_duplicates), py::arg("min_tokens"), py::arg("n_threads"),
      py::arg("progress") = std::optional<Callback>(),
      "Find the passages of min_tokens tokens or more that repeat an earlier one; call progress(n_suffixes).");
}

}  // namespace infgram::python
