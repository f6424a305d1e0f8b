// Binds the stream of all tokens. The GIL is released meanwhile: a TokenStream is immutable and touches no Python
// object.
#include <memory>
#include <utility>

#include "base/errors.hpp"
#include "python/checked.hpp"
#include "python/tokens.hpp"
#include "query/token_stream.hpp"

namespace infgram::python {
namespace {

struct OwnedStream {
  std::shared_ptr<const Index> index;  // keeps the files open
  TokenStream stream;
};

std::unique_ptr<OwnedStream> open_stream(const std::shared_ptr<const Index>& index) {
  const py::gil_scoped_release release;
  return std::make_unique<OwnedStream>(index, TokenStream(*index));
}

// Shape (begins, length).
py::array_t<std::int64_t> read_rows(const OwnedStream& stream,
                                    const py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>& begins,
                                    std::size_t length, std::int64_t end_of_text) {
  const auto rows = begins.unchecked<1>();
  for (py::ssize_t i = 0; i < rows.shape(0); ++i) {
    if (rows(i) < 0) throw QueryError("a row begins at " + std::to_string(rows(i)) + "; expected 0 or more");
  }
  py::array_t<std::int64_t> ids({rows.shape(0), static_cast<py::ssize_t>(length)});
  std::int64_t* const data = ids.mutable_data();
  {
    const py::gil_scoped_release release;
    for (py::ssize_t i = 0; i < rows.shape(0); ++i) {
      stream.stream.read(static_cast<std::uint64_t>(rows(i)), end_of_text,
                         {data + static_cast<std::size_t>(i) * length, length});
    }
  }
  return ids;
}

}  // namespace

void bind_stream(py::module_& module) {
  py::class_<OwnedStream>(module, "TokenStream",
                          "All documents in the order of their numbers, each followed by an end-of-text id.")
      .def("__len__", [](const OwnedStream& stream) { return stream.stream.size(); })
      .def("read_rows", checked(&read_rows), py::arg("begins"), py::arg("length"), py::arg("end_of_text"),
           "Return the ids [begin, begin + length) of each begin: int64 of shape (begins, length). Beyond the end of "
           "the "
           "stream, the id is end_of_text.");
  class_of_index(module).def("token_stream", checked(&open_stream), "Return the stream of all tokens.");
}

}  // namespace infgram::python
