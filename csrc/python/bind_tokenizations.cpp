// Binds the search for the token sequences that contain a text. Each function converts its arguments, releases the GIL,
// calls, and converts the result. Releasing is safe: an Index and a Vocabulary are immutable, and nothing here touches
// a Python object.
#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/errors.hpp"
#include "python/spans.hpp"
#include "python/tokens.hpp"
#include "query/count_before.hpp"
#include "query/vocabulary.hpp"

namespace infgram::python {
namespace {

using Bytes = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>;
using States = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

std::unique_ptr<Vocabulary> vocabulary_from(const Bytes& data, const Places& starts) {
  const std::vector<std::uint8_t> bytes(data.data(), data.data() + data.size());
  const std::vector<std::uint64_t> begins(starts.data(), starts.data() + starts.size());
  const bool is_valid = !begins.empty() && begins.front() == 0 && std::ranges::is_sorted(begins) &&
                        begins.back() == bytes.size() && bytes.size() < (std::uint64_t{1} << 32);
  if (!is_valid) throw QueryError("the starts of the tokens must ascend from 0 to the number of bytes");
  const py::gil_scoped_release release;
  return std::make_unique<Vocabulary>(bytes, begins);
}

// Holds a table that was validated when Python passed it.
struct OwnedAutomaton {
  std::vector<std::int32_t> next_states;
  std::int32_t accept;

  [[nodiscard]] ByteAutomaton view() const { return {next_states, accept}; }
};

std::unique_ptr<OwnedAutomaton> automaton_from(const States& next_states, std::int32_t accept) {
  const bool is_table = next_states.ndim() == 2 && next_states.shape(1) == ByteAutomaton::kBytes;
  const auto n_states = is_table ? next_states.shape(0) : 0;
  std::vector<std::int32_t> table(next_states.data(), next_states.data() + next_states.size());
  const bool is_valid =
      is_table && accept > 0 && accept < n_states &&
      std::ranges::all_of(table, [&](std::int32_t s) { return s >= ByteAutomaton::kDead && s < n_states; });
  if (!is_valid) throw QueryError("an automaton is a table with 256 next states per state, and an accepting state");
  return std::make_unique<OwnedAutomaton>(std::move(table), accept);
}

using Columns = std::tuple<py::array_t<std::int64_t>, py::array_t<std::int64_t>, py::array_t<std::int64_t>,
                           py::array_t<std::int64_t>>;

Columns columns_from(const std::vector<TokenStep>& steps) {
  std::vector<std::int64_t> tokens;
  std::vector<std::int64_t> begins;
  std::vector<std::int64_t> states;
  std::vector<std::int64_t> is_whole;
  for (auto* column : {&tokens, &begins, &states, &is_whole}) column->reserve(steps.size());
  for (const TokenStep& step : steps) {
    tokens.push_back(step.token);
    begins.push_back(static_cast<std::int64_t>(step.begin));
    states.push_back(step.state);
    is_whole.push_back(step.is_whole ? 1 : 0);
  }
  return {array_from(std::move(tokens)), array_from(std::move(begins)), array_from(std::move(states)),
          array_from(std::move(is_whole))};
}

Columns steps_inside(const Vocabulary& self, const OwnedAutomaton& automaton) {
  std::vector<TokenStep> steps;
  {
    const py::gil_scoped_release release;
    steps = self.steps_inside(automaton.view());
  }
  return columns_from(steps);
}

Columns steps_after(const Vocabulary& self, const OwnedAutomaton& automaton, std::int32_t state) {
  const auto n_states = static_cast<std::int32_t>(automaton.next_states.size() / ByteAutomaton::kBytes);
  if (state < 0 || state >= n_states || state == automaton.accept) {
    throw QueryError("no byte can be read in state " + std::to_string(state));
  }
  std::vector<TokenStep> steps;
  {
    const py::gil_scoped_release release;
    steps = self.steps_after(automaton.view(), state);
  }
  return columns_from(steps);
}

auto count_before_arrays(const Index& index, const py::object& heads, const py::object& sequence, const Places& begins,
                         const Places& ends) {
  const auto head_tokens = tokens_from(heads, index.vocab_size());
  const auto tokens = tokens_from(sequence, index.vocab_size());
  const auto spans = spans_from(begins, ends, tokens.size());
  std::vector<std::int64_t> span_numbers;
  std::vector<std::int64_t> head_numbers;
  std::vector<std::int64_t> counts;
  {
    const py::gil_scoped_release release;
    for (const PrecededSpan& each : count_before(index, head_tokens, tokens, spans)) {
      span_numbers.push_back(static_cast<std::int64_t>(each.span));
      head_numbers.push_back(static_cast<std::int64_t>(each.head));
      counts.push_back(static_cast<std::int64_t>(each.count));
    }
  }
  return std::tuple(array_from(std::move(span_numbers)), array_from(std::move(head_numbers)),
                    array_from(std::move(counts)));
}

}  // namespace

void bind_tokenizations(py::module_& module) {
  py::class_<OwnedAutomaton>(module, "ByteAutomaton", "Recognizes texts byte by byte; state 0 is before the first.")
      .def(py::init(&automaton_from), py::arg("next_states"), py::arg("accept"),
           "next_states[state, byte] is the state after one more byte, or -1; `accept` is the state after the text.");
  py::class_<Vocabulary>(module, "Vocabulary", "The bytes of all tokens, to be read by automata.")
      .def(py::init(&vocabulary_from), py::arg("data"), py::arg("starts"),
           "Token i has the bytes data[starts[i]:starts[i + 1]].")
      .def("steps_inside", &steps_inside, py::arg("automaton"),
           "(tokens, begins, states, is_whole), int64: the tokens in which the text can begin, at any byte, with the "
           "state "
           "after their last byte that was read.")
      .def("steps_after", &steps_after, py::arg("automaton"), py::arg("state"),
           "The same for the tokens that can come next in a state.");
  class_of_index(module).def(
      "count_before", &count_before_arrays, py::arg("heads"), py::arg("tokens"), py::arg("begins"), py::arg("ends"),
      "(span indices, head indices, counts), int64: how often each head, a token, directly precedes each "
      "tokens[begin:end]; positive counts only.");
}

}  // namespace infgram::python
