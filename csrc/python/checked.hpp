// Checks the files of an index after a query.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "base/errors.hpp"
#include "index/index.hpp"

namespace infgram::python {

// Returns the index that a query reads: the owner itself, or what it refers to by its members index, tree or model.
template <class Owner>
const Index& index_of(const Owner& owner) {
  if constexpr (std::same_as<Owner, Index>) {
    return owner;
  } else if constexpr (requires { owner.index; }) {
    return index_of(owner.index);
  } else if constexpr (requires { owner.tree; }) {
    return index_of(owner.tree);
  } else if constexpr (requires { owner.model; }) {
    return index_of(owner.model);
  } else if constexpr (requires { owner.front(); }) {
    return index_of(owner.front());
  } else {
    return index_of(*owner);
  }
}

// Returns the query with a check afterwards: it throws IndexDamagedError instead of a result if a file was truncated
// while it was open (Index::check_pages). The query's first argument owns the index.
template <class Result, class Owner, class... Arguments>
auto checked(Result (*query)(Owner, Arguments...)) {
  return [query](Owner owner, Arguments... arguments) -> Result {
    try {
      if constexpr (std::is_void_v<Result>) {
        query(owner, std::forward<Arguments>(arguments)...);
        index_of(owner).check_pages();
      } else {
        Result result = query(owner, std::forward<Arguments>(arguments)...);
        index_of(owner).check_pages();
        return result;
      }
    } catch (const IndexDamagedError&) {
      index_of(owner).check_pages();  // the cause, if this is a consequence
      throw;
    }
  };
}

}  // namespace infgram::python
