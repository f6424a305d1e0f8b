// Converts spans of a sequence from Python's arrays.
#pragma once

#include <pybind11/numpy.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/errors.hpp"
#include "python/tokens.hpp"
#include "query/count_spans.hpp"

namespace infgram::python {

using Places = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;

// Throws QueryError if a span is empty or not inside the tokens.
inline std::vector<Span> spans_from(const Places& begins, const Places& ends, std::size_t n_tokens) {
  if (begins.ndim() != 1 || ends.ndim() != 1 || begins.size() != ends.size()) {
    throw QueryError("the begins and the ends of spans must be one-dimensional arrays of equal length; they have " +
                     std::to_string(begins.size()) + " and " + std::to_string(ends.size()));
  }
  std::vector<Span> spans;
  spans.reserve(static_cast<std::size_t>(begins.size()));
  for (py::ssize_t i = 0; i < begins.size(); ++i) {
    const std::int64_t begin = begins.data()[i];
    const std::int64_t end = ends.data()[i];
    if (begin < 0 || end <= begin || static_cast<std::uint64_t>(end) > n_tokens) {
      throw QueryError("the span from " + std::to_string(begin) + " to " + std::to_string(end) +
                       " is empty or not inside the " + std::to_string(n_tokens) + " tokens");
    }
    spans.push_back({static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(end)});
  }
  return spans;
}

}  // namespace infgram::python
