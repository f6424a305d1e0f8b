// Conversions between Python's values and the core's.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "base/types.hpp"
#include "index/index.hpp"

namespace infgram::python {

namespace py = pybind11;

// Converts a sequence of integers or a one-dimensional integer array to token ids. Throws QueryError for anything else,
// for bools and for ids outside [0, vocab_size).
[[nodiscard]] std::vector<TokenId> tokens_from(const py::handle& object, std::uint64_t vocab_size);

// Like tokens_from(), but appends to `tokens`.
void append_tokens(const py::handle& object, std::uint64_t vocab_size, std::vector<TokenId>& tokens);

// Returns a one-dimensional int64 array that takes ownership of the memory of `values`.
[[nodiscard]] py::array_t<std::int64_t> array_from(std::vector<std::int64_t>&& values);

using index_class = py::class_<Index, std::shared_ptr<Index>>;

// The class of an open index, to which each part of the module adds its queries. REQUIRES that bind_index was called.
[[nodiscard]] inline index_class class_of_index(const py::module_& module) {
  return py::reinterpret_borrow<index_class>(module.attr("Index"));
}

// The parts of the module. Each defines its classes and functions.
void bind_index(py::module_& module);
void bind_search(py::module_& module);
void bind_build(py::module_& module);
void bind_pieces(py::module_& module);
void bind_lm(py::module_& module);
void bind_duplicates(py::module_& module);
void bind_stream(py::module_& module);
void bind_tokenizations(py::module_& module);

}  // namespace infgram::python
