// Binds queries about spans of sequences and parts of documents. Each function converts its arguments, releases the
// GIL, calls, and converts the result. Releasing is safe: an Index is immutable, and its queries touch no Python
// object.
#include <pybind11/stl.h>

#include <optional>
#include <utility>
#include <vector>

#include "python/checked.hpp"
#include "python/spans.hpp"
#include "python/tokens.hpp"
#include "query/count_spans.hpp"
#include "query/locate.hpp"
#include "query/window.hpp"

namespace infgram::python {
namespace {

py::array_t<std::int64_t> count_spans_array(const Index& index, const py::object& sequence, const Places& begins,
                                            const Places& ends) {
  const auto tokens = tokens_from(sequence, index.vocab_size());
  const auto spans = spans_from(begins, ends, tokens.size());
  std::vector<std::int64_t> counts;
  {
    const py::gil_scoped_release release;
    counts = count_spans(index, tokens, spans);
  }
  return array_from(std::move(counts));
}

auto sample_pairs(const Index& index, const py::object& tokens, std::size_t limit, std::uint64_t seed,
                  std::uint64_t most_read, std::uint64_t before, std::optional<std::uint64_t> total) {
  const auto pattern = tokens_from(tokens, index.vocab_size());
  const py::gil_scoped_release release;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs;
  const ShardRanges ranges = find(index, pattern);
  const Frame frame{before, total.value_or(total_count(index, ranges))};
  for (const Location& location : sampled_documents(index, ranges, limit, seed, most_read, frame)) {
    pairs.emplace_back(location.document, location.offset);
  }
  return pairs;
}

py::array_t<std::int64_t> window_array(const Index& index, std::uint64_t document, std::uint64_t begin,
                                       std::uint64_t end) {
  std::vector<std::int64_t> ids;
  {
    const py::gil_scoped_release release;
    ids = read_window(index, document, begin, end);
  }
  return array_from(std::move(ids));
}

}  // namespace

void bind_pieces(py::module_& module) {
  class_of_index(module)
      .def("count_spans", checked(&count_spans_array), py::arg("tokens"), py::arg("begins"), py::arg("ends"),
           "Occurrences of each tokens[begin:end], int64.")
      .def("sample_documents", checked(&sample_pairs), py::arg("tokens"), py::arg("limit"), py::arg("seed"),
           py::arg("most_read"), py::arg("before") = 0, py::arg("total") = py::none(),
           "[(document, offset)]: a seeded uniform sample of the documents with an occurrence, from a sample of "
           "most_read "
           "occurrences if there are more. In a part of a larger index: `total` occurrences in all parts, `before` of "
           "them in earlier parts.")
      .def("read_window", checked(&window_array), py::arg("document"), py::arg("begin"), py::arg("end"),
           "Token ids of a document in [begin, end), clipped to its length, int64.")
      .def("document_length", checked(&document_length), py::arg("document"), py::call_guard<py::gil_scoped_release>(),
           "The number of tokens of a document.");
}

}  // namespace infgram::python
