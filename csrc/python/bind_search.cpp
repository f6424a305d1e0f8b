// Binds the AND of ORs. Each function converts its arguments, releases the GIL, calls, and converts the result.
// Releasing is safe: a Conjunction is immutable, and touches no Python object but the callback.
#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "python/checked.hpp"
#include "python/polling.hpp"
#include "python/tokens.hpp"
#include "query/conjunction.hpp"

namespace infgram::python {
namespace {

struct OpenConjunction {
  std::shared_ptr<const Index> index;  // keeps the files open
  Conjunction conjunction;
};

using Progress = std::optional<Callback>;
using Array = py::array_t<std::int64_t>;

std::unique_ptr<OpenConjunction> find_clauses(const std::shared_ptr<const Index>& index,
                                              const std::vector<std::vector<py::object>>& clauses,
                                              std::optional<std::uint64_t> max_distance) {
  std::vector<std::vector<std::vector<TokenId>>> tokens;
  for (const auto& terms : clauses) {
    tokens.emplace_back();
    for (const auto& term : terms) tokens.back().push_back(tokens_from(term, index->vocab_size()));
  }
  const py::gil_scoped_release release;
  std::vector<Clause> found;
  for (auto& terms : tokens) found.emplace_back(*index, std::move(terms));
  return std::make_unique<OpenConjunction>(
      index, Conjunction(*index, std::move(found), max_distance.value_or(kWholeDocument)));
}

std::vector<std::uint64_t> counts(const OpenConjunction& self) {
  std::vector<std::uint64_t> result;
  for (const Clause& clause : self.conjunction.clauses()) result.push_back(clause.count());
  return result;
}

// (documents, occurrences in each, whether the first of each is among them)
std::tuple<Array, Array, Array> arrays_from(const std::vector<MatchingDocument>& found) {
  std::vector<std::int64_t> documents;
  std::vector<std::int64_t> n_matches;
  std::vector<std::int64_t> has_first;
  for (const MatchingDocument& each : found) {
    documents.push_back(static_cast<std::int64_t>(each.document));
    n_matches.push_back(static_cast<std::int64_t>(each.n_matches));
    has_first.push_back(each.has_first ? 1 : 0);
  }
  return {array_from(std::move(documents)), array_from(std::move(n_matches)), array_from(std::move(has_first))};
}

auto documents(const OpenConjunction& self, const Progress& progress) {
  std::vector<MatchingDocument> found;
  const Poll poll = counted(progress);
  {
    const py::gil_scoped_release release;
    found = self.conjunction.documents(poll);
  }
  return arrays_from(found);
}

auto sampled_documents(const OpenConjunction& self, std::uint64_t size, std::uint64_t seed, const Progress& progress,
                       std::uint64_t before, std::optional<std::uint64_t> total) {
  std::vector<MatchingDocument> found;
  const Frame frame{before, total.value_or(self.conjunction.clauses()[0].count())};
  const Poll poll = counted(progress);
  {
    const py::gil_scoped_release release;
    found = self.conjunction.sampled_documents(size, seed, frame, poll);
  }
  return arrays_from(found);
}

// (occurrences, [(clause, offset, length)])
auto matches(const OpenConjunction& self, std::uint64_t document, std::uint64_t limit, const Progress& progress) {
  std::vector<std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>> shown;
  const Poll poll = counted(progress);
  const py::gil_scoped_release release;
  const Conjunction::Matches found = self.conjunction.matches(document, limit, poll);
  for (const Match& match : found.shown) shown.emplace_back(match.clause, match.offset, match.length);
  return std::pair(found.count, shown);
}

}  // namespace

void bind_search(py::module_& module) {
  const auto no_progress = Progress();
  py::class_<OpenConjunction>(
      module, "Conjunction",
      "The AND of clauses, each the OR of terms. Methods call progress(n_read) from time to time.")
      .def("counts", checked(&counts), "Occurrences of each clause.")
      .def("documents", checked(&documents), py::arg("progress") = no_progress,
           "(documents ascending, occurrences in each, 1s) int64: every document with an occurrence.")
      .def("sampled_documents", checked(&sampled_documents), py::arg("size"), py::arg("seed"),
           py::arg("progress") = no_progress, py::arg("before") = 0, py::arg("total") = py::none(),
           "The same for a sample of the first clause's occurrences; the third array tells whether a document's first "
           "occurrence is among those counted. In a part of a larger index: `total` occurrences in all parts, `before` "
           "of "
           "them in earlier parts.")
      .def("matches", checked(&matches), py::arg("document"), py::arg("limit"), py::arg("progress") = no_progress,
           "(occurrences, [(clause, offset, length)]): a document's first occurrences and the matches that complete "
           "them.");
  class_of_index(module).def("conjunction", checked(&find_clauses), py::arg("clauses"), py::arg("max_distance"),
                             "The AND of clauses; each is a list of non-empty terms of token ids. Without max_distance "
                             "the scope is the document.");
}

}  // namespace infgram::python
