#include "python/tokens.hpp"

#include <memory>
#include <string>
#include <utility>

#include "base/errors.hpp"

namespace infgram::python {
namespace {

TokenId checked(std::int64_t id, std::size_t place, std::uint64_t vocab_size) {
  if (id < 0 || static_cast<std::uint64_t>(id) >= vocab_size) {
    throw QueryError("token id " + std::to_string(id) + " at place " + std::to_string(place) +
                     " is outside the vocabulary: ids go from 0 to " + std::to_string(vocab_size - 1));
  }
  return static_cast<TokenId>(id);
}

[[noreturn]] void throw_not_tokens(const py::handle& object) {
  throw QueryError("expected text, a sequence of token ids or an integer array, not " +
                   std::string(py::str(py::type::of(object).attr("__name__"))));
}

void append_array(const py::array& array, std::uint64_t vocab_size, std::vector<TokenId>& tokens) {
  const char kind = array.dtype().kind();
  // NumPy turns an empty list into an array of floats.
  if (array.ndim() != 1 || (kind != 'i' && kind != 'u' && array.size() > 0)) {
    throw QueryError("expected a one-dimensional array of integers; this one has dtype " +
                     std::string(py::str(array.dtype())) + " and " + std::to_string(array.ndim()) + " dimensions");
  }
  // A uint64 beyond int64 becomes negative, and is rejected as such.
  const auto ids = py::array_t<std::int64_t, py::array::forcecast | py::array::c_style>::ensure(array);
  if (!ids) throw py::error_already_set();
  const auto size = static_cast<std::size_t>(ids.size());
  const std::int64_t* const data = ids.data();
  for (std::size_t i = 0; i < size; ++i) tokens.push_back(checked(data[i], i, vocab_size));
}

std::int64_t integer_from(PyObject* item, std::size_t place) {
  int overflow = 0;
  if (PyLong_CheckExact(item)) {
    const long long id = PyLong_AsLongLongAndOverflow(item, &overflow);
    if (overflow == 0) return id;
  }
  if (PyBool_Check(item) || !PyIndex_Check(item)) {
    throw QueryError("expected an integer token id at place " + std::to_string(place) + ", not " +
                     std::string(py::repr(item)));
  }
  const py::object integer = py::reinterpret_steal<py::object>(PyNumber_Index(item));
  if (!integer) throw py::error_already_set();
  const long long id = PyLong_AsLongLongAndOverflow(integer.ptr(), &overflow);
  if (overflow != 0) throw QueryError("token id " + std::string(py::str(integer)) + " is outside the vocabulary");
  return id;
}

}  // namespace

void append_tokens(const py::handle& object, std::uint64_t vocab_size, std::vector<TokenId>& tokens) {
  const bool is_list = PyList_CheckExact(object.ptr()) != 0;
  if (!is_list && py::isinstance<py::array>(object)) {
    return append_array(py::reinterpret_borrow<py::array>(object), vocab_size, tokens);
  }
  if (py::isinstance<py::str>(object) || py::isinstance<py::bytes>(object) || PyByteArray_Check(object.ptr()) != 0 ||
      PyMemoryView_Check(object.ptr()) != 0 || !PySequence_Check(object.ptr())) {
    throw_not_tokens(object);
  }
  const py::object items = py::reinterpret_steal<py::object>(PySequence_Fast(object.ptr(), "expected token ids"));
  if (!items) throw py::error_already_set();
  const auto size = static_cast<std::size_t>(PySequence_Fast_GET_SIZE(items.ptr()));
  PyObject** const begin = PySequence_Fast_ITEMS(items.ptr());
  for (std::size_t i = 0; i < size; ++i) tokens.push_back(checked(integer_from(begin[i], i), i, vocab_size));
}

std::vector<TokenId> tokens_from(const py::handle& object, std::uint64_t vocab_size) {
  std::vector<TokenId> tokens;
  append_tokens(object, vocab_size, tokens);
  return tokens;
}

py::array_t<std::int64_t> array_from(std::vector<std::int64_t>&& values) {
  auto owner = std::make_unique<std::vector<std::int64_t>>(std::move(values));
  auto* const raw = owner.get();
  py::capsule base(owner.release(), [](void* p) { delete static_cast<std::vector<std::int64_t>*>(p); });
  return py::array_t<std::int64_t>(static_cast<py::ssize_t>(raw->size()), raw->data(), base);
}

}  // namespace infgram::python
