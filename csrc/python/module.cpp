// Assembles the module; its parts are in the bind_*.cpp files.
#include <exception>

#include "base/errors.hpp"
#include "python/tokens.hpp"

namespace infgram::python {
namespace {

py::object error_class(const char* name) { return py::module_::import("infgram.errors").attr(name); }

// Translates each core error to the Python class of the same name.
void translate(std::exception_ptr pointer) {
  if (!pointer) return;
  try {
    std::rethrow_exception(pointer);
  } catch (const StorageError& error) {
    const py::tuple arguments = py::make_tuple(error.code(), error.what());
    PyErr_SetObject(error_class("StorageError").ptr(), arguments.ptr());
  } catch (const QueryError& error) {
    PyErr_SetString(error_class("QueryError").ptr(), error.what());
  } catch (const IndexDamagedError& error) {
    PyErr_SetString(error_class("IndexDamagedError").ptr(), error.what());
  } catch (const TokenizerError& error) {
    PyErr_SetString(error_class("TokenizerError").ptr(), error.what());
  } catch (const IndexVersionError& error) {
    PyErr_SetString(error_class("IndexVersionError").ptr(), error.what());
  }
}

}  // namespace
}  // namespace infgram::python

PYBIND11_MODULE(_core, module) {
  using namespace infgram::python;  // the one place where names are composed
  module.doc() = "The native core of infgram: suffix arrays on disk, and exact queries on them.";
  module.attr("__version__") = INFGRAM_VERSION;
  py::register_exception_translator(&translate);
  bind_index(module);
  bind_search(module);
  bind_build(module);
  bind_pieces(module);
  bind_lm(module);
  bind_duplicates(module);
  bind_stream(module);
  bind_tokenizations(module);
}
