// Converts paths from and to Python, instead of pybind11/stl/filesystem.h. That header takes every exception of
// __fspath__ for a wrong type of argument; but a signal handler may raise KeyboardInterrupt in this Python code.
#pragma once

#include <pybind11/pybind11.h>

#include <filesystem>
#include <string>

namespace pybind11::detail {

template <>
struct type_caster<std::filesystem::path> {
  PYBIND11_TYPE_CASTER(std::filesystem::path, io_name("os.PathLike | str | bytes", "pathlib.Path"));

  // Returns false if the object is not a path. Throws what is raised meanwhile and is not an error, as
  // KeyboardInterrupt.
  bool load(handle source, bool) {
    PyObject* bytes = nullptr;
    if (PyUnicode_FSConverter(source.ptr(), &bytes) == 0) {
      if (PyErr_ExceptionMatches(PyExc_Exception) == 0) throw error_already_set();
      PyErr_Clear();
      return false;
    }
    value = std::string(reinterpret_steal<pybind11::bytes>(bytes));
    return true;
  }

  static handle cast(const std::filesystem::path& path, return_value_policy, handle) {
    const auto name = reinterpret_steal<object>(PyUnicode_DecodeFSDefault(path.c_str()));
    if (!name) throw error_already_set();
    return module_::import("pathlib").attr("Path")(name).release();
  }
};

}  // namespace pybind11::detail
