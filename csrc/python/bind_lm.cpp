// Binds language models over an index. Each function converts its arguments, releases the GIL, calls, and converts the
// result. Releasing is safe: a walk in a tree holds the tree's mutex, and touches no Python object.
#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "base/errors.hpp"
#include "lm/backoff.hpp"
#include "lm/jelinek_mercer_fit.hpp"
#include "lm/kneser_ney.hpp"
#include "lm/language_model.hpp"
#include "lm/smoothing.hpp"
#include "lm/step_rules.hpp"
#include "lm/suffix_features.hpp"
#include "python/checked.hpp"
#include "python/tokens.hpp"

namespace infgram::python {
namespace {

using Floats = py::array_t<double>;

// A tree, and the index that it keeps open.
struct SharedTree {
  SharedTree(std::shared_ptr<const Index> open_index, std::uint64_t memory_bytes, std::uint64_t few_occurrences)
      : index(std::move(open_index)), tree(*index, memory_bytes, few_occurrences) {}
  std::shared_ptr<const Index> index;
  ContextTree tree;
};

const std::pair<std::size_t, std::size_t> kJelinekMercerShape = {JelinekMercer::kLengths, JelinekMercer::kCounts};

struct SharedModel {
  std::shared_ptr<SharedTree> tree;
  LanguageModel model;
};

void let_signals_through() {
  const py::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

std::unique_ptr<Predictor> predictor_from(const std::string& smoothing, ContextTree& tree, std::uint64_t order,
                                          const std::vector<double>& weights) {
  const auto interpolated = [&](std::unique_ptr<const StepRule> rule) {
    return std::make_unique<InterpolatedSmoothing>(tree, std::move(rule));
  };
  if (smoothing == "none") return interpolated(std::make_unique<Unsmoothed>());
  if (smoothing == "stupid_backoff") return std::make_unique<StupidBackoff>();
  if (smoothing == "jelinek_mercer") return interpolated(std::make_unique<JelinekMercer>(weights));
  if (smoothing == "witten_bell") return interpolated(std::make_unique<WittenBell>());
  if (smoothing == "kneser_ney") {
    if (!tree.statistics()) throw QueryError("Kneser-Ney smoothing requires a call of survey()");
    return interpolated(std::make_unique<KneserNey>(*tree.statistics(), order));
  }
  if (smoothing == "ppm") return std::make_unique<Ppm>(tree);
  throw QueryError("unknown smoothing '" + smoothing + "'");
}

// Order 0 is unbounded.
ModelOptions options_from(std::uint64_t order, std::uint64_t min_count, std::optional<TokenId> end_token) {
  ModelOptions options{.min_count = min_count, .end_token = end_token};
  if (order > 0) options.longest = order - 1;
  return options;
}

std::unique_ptr<SharedModel> make_model(const std::shared_ptr<SharedTree>& tree, const std::string& smoothing,
                                        std::uint64_t order, std::uint64_t min_count, std::optional<TokenId> end_token,
                                        const std::vector<double>& weights) {
  const py::gil_scoped_release release;
  const std::scoped_lock lock(tree->tree.mutex());
  auto predictor = predictor_from(smoothing, tree->tree, order, weights);
  return std::make_unique<SharedModel>(
      tree, LanguageModel(tree->tree, std::move(predictor), options_from(order, min_count, end_token)));
}

Floats floats_from(const std::vector<double>& values) {
  return Floats(static_cast<py::ssize_t>(values.size()), values.data());
}

// (log-probabilities, entropies, log-probabilities of the guesses) of each model
std::vector<std::tuple<Floats, Floats, Floats>> evaluate_models(const std::vector<std::shared_ptr<SharedModel>>& models,
                                                                const std::vector<bool>& entropies,
                                                                const std::vector<py::object>& guesses,
                                                                const py::object& sequence, bool end) {
  if (models.empty() || entropies.size() != models.size() || guesses.size() != models.size()) {
    throw QueryError("expected at least one model, and a flag and guesses per model");
  }
  const std::uint64_t vocab_size = models.front()->tree->index->vocab_size();
  const auto tokens = tokens_from(sequence, vocab_size);
  std::vector<std::vector<TokenId>> guessed;
  for (const py::object& of_model : guesses) guessed.push_back(tokens_from(of_model, vocab_size));
  std::vector<EvaluationRequest> requests;
  for (std::size_t i = 0; i < models.size(); ++i) {
    if (models[i]->tree != models.front()->tree) throw QueryError("the models belong to different trees");
    requests.push_back({&models[i]->model, entropies[i], guessed[i]});
  }
  std::vector<Predictions> found;
  {
    const py::gil_scoped_release release;
    found = infgram::evaluate(requests, tokens, end, let_signals_through);
  }
  std::vector<std::tuple<Floats, Floats, Floats>> columns;
  for (const auto& [log_probs, of_all, of_guesses] : found) {
    columns.emplace_back(floats_from(log_probs), floats_from(of_all), floats_from(of_guesses));
  }
  return columns;
}

// A growing context and its model. The chain is used only while the tree's mutex is held.
struct SharedChain {
  std::shared_ptr<SharedModel> model;
  SuffixChain chain;
};

void append_locked(SuffixChain& chain, const std::vector<TokenId>& tokens) {
  for (const TokenId token : tokens) chain.append(token);
}

std::unique_ptr<SharedChain> make_chain(const std::shared_ptr<SharedModel>& model, const py::object& context) {
  const auto tokens = tokens_from(context, model->tree->index->vocab_size());
  const py::gil_scoped_release release;
  const std::scoped_lock lock(model->tree->tree.mutex());
  auto chain = std::make_unique<SharedChain>(model, SuffixChain(model->tree->tree));
  append_locked(chain->chain, tokens);
  return chain;
}

std::unique_ptr<SharedChain> copy_chain(const SharedChain& chain) {
  const py::gil_scoped_release release;
  const std::scoped_lock lock(chain.model->tree->tree.mutex());
  return std::make_unique<SharedChain>(chain.model, chain.chain);
}

void append_to_chain(SharedChain& chain, const py::object& added) {
  const auto tokens = tokens_from(added, chain.model->tree->index->vocab_size());
  const py::gil_scoped_release release;
  const std::scoped_lock lock(chain.model->tree->tree.mutex());
  append_locked(chain.chain, tokens);
}

Floats distribution(SharedChain& chain) {
  std::vector<double> probs;
  {
    const py::gil_scoped_release release;
    const std::scoped_lock lock(chain.model->tree->tree.mutex());
    probs = chain.model->model.distribution(chain.chain);
  }
  return floats_from(probs);
}

double log_prob(SharedChain& chain, NextTokenId next_token) {
  const py::gil_scoped_release release;
  const std::scoped_lock lock(chain.model->tree->tree.mutex());
  LanguageModel& model = chain.model->model;
  return model.predict(chain.chain.levels(model.uses_left_extensions()), next_token, false).log_prob;
}

// The weights that maximize the likelihood of the documents.
Floats fit_jelinek_mercer(SharedTree& tree, const py::iterable& documents, std::uint64_t order, std::uint64_t min_count,
                          std::size_t n_rounds) {
  JelinekMercerFit fit(tree.tree, options_from(order, min_count, {}));
  for (const py::handle& document : documents) {
    const auto tokens = tokens_from(document, tree.index->vocab_size());
    const py::gil_scoped_release release;
    fit.add(tokens, let_signals_through);
  }
  std::vector<double> weights;
  {
    const py::gil_scoped_release release;
    weights = fit.weights(n_rounds, let_signals_through);
  }
  return Floats({JelinekMercer::kLengths, JelinekMercer::kCounts}, weights.data());
}

// (suffix lengths; context counts, distinct next tokens, continuation counts and counts of the most frequent next token
// at the longest suffix, then at each length)
auto features(SharedTree& tree, const py::object& sequence, const std::vector<std::uint64_t>& lengths) {
  const auto tokens = tokens_from(sequence, tree.index->vocab_size());
  std::vector<std::int64_t> suffix_lengths;
  std::array<std::vector<std::int64_t>, 8> columns;
  {
    const py::gil_scoped_release release;
    const SuffixFeatures found = suffix_features(tree.tree, tokens, lengths, let_signals_through);
    suffix_lengths.assign(found.suffix_lengths.begin(), found.suffix_lengths.end());
    const auto append = [&](const std::vector<SuffixCounts>& next_tokens, std::size_t first) {
      for (const SuffixCounts& counts : next_tokens) {
        columns[first].push_back(static_cast<std::int64_t>(counts.context_count));
        columns[first + 1].push_back(static_cast<std::int64_t>(counts.n_distinct));
        columns[first + 2].push_back(static_cast<std::int64_t>(counts.continuation_count));
        columns[first + 3].push_back(static_cast<std::int64_t>(counts.likeliest_count));
      }
    };
    append(found.longest, 0);
    append(found.ladder, 4);
  }
  const auto take = [&](std::size_t i) { return array_from(std::move(columns[i])); };
  return std::tuple(array_from(std::move(suffix_lengths)), take(0), take(1), take(2), take(3), take(4), take(5),
                    take(6), take(7));
}

// The callback may use the tree, so its mutex is not held meanwhile.
void survey(SharedTree& tree, std::size_t n_threads,
            const std::optional<std::function<void(std::uint64_t)>>& progress) {
  const py::gil_scoped_release release;
  {
    const std::scoped_lock lock(tree.tree.mutex());
    if (tree.tree.statistics()) return;
  }
  NgramStatistics statistics = survey_ngrams(*tree.index, n_threads, [&](std::uint64_t n_done) {
    const py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (progress) (*progress)(n_done);
  });
  const std::scoped_lock lock(tree.tree.mutex());
  tree.tree.set_statistics(std::move(statistics));
}

}  // namespace

void bind_lm(py::module_& module) {
  py::class_<SharedTree, std::shared_ptr<SharedTree>>(module, "ContextTree", "The contexts met so far in an index.")
      .def(py::init<std::shared_ptr<const Index>, std::uint64_t, std::uint64_t>(), py::arg("index"),
           py::arg("memory_bytes"), py::arg("few_occurrences"),
           "Keeps contexts in about memory_bytes at most, except those of up to few_occurrences occurrences.")
      .def("features", checked(&features), py::arg("tokens"), py::arg("lengths"),
           "For every token but the first (suffix lengths; context counts, distinct next tokens, continuation "
           "counts and counts of the most frequent next token at the longest suffix; the same at each length): int64.")
      .def("fit_jelinek_mercer", checked(&fit_jelinek_mercer), py::arg("documents"), py::arg("order"),
           py::arg("min_count"), py::arg("n_rounds"),
           "Weights by class of length and class of count, fitted to documents of token ids: float64.")
      .def_readonly_static("jelinek_mercer_shape", &kJelinekMercerShape,
                           "The numbers of classes of length and of count.")
      .def("survey", checked(&survey), py::arg("n_threads"), py::arg("progress") = py::none(),
           "Count the n-grams that Kneser-Ney discounts are estimated from, on the first call; call "
           "progress(n_suffixes).");
  py::class_<SharedModel, std::shared_ptr<SharedModel>>(module, "LanguageModel",
                                                        "A smoothed model over the contexts of a tree.")
      .def(py::init(&make_model), py::arg("tree"), py::arg("smoothing"), py::arg("order"), py::arg("min_count"),
           py::arg("end_token"), py::arg("weights"), "Order 0 is unbounded; the weights are for Jelinek-Mercer.");
  module.def(
      "evaluate_models", checked(&evaluate_models), py::arg("models"), py::arg("entropies"), py::arg("guesses"),
      py::arg("tokens"), py::arg("end"),
      "(log-probabilities, entropies, log-probabilities of the guesses) of each model for every token but the "
      "first and, with `end`, for the end of the document; float64, in nats. The models share one tree; "
      "`entropies` has a flag per model. Guesses are further tokens to predict, equally many per position, or none.");
  py::class_<SharedChain>(module, "ModelSession", "A growing context, for a model.")
      .def(py::init(&make_chain), py::arg("model"), py::arg("context"))
      .def("append", checked(&append_to_chain), py::arg("tokens"), "Append tokens to the context.")
      .def("copy", checked(&copy_chain), "An independent session in the same state.")
      .def("distribution", checked(&distribution),
           "The probabilities of all tokens and, last, of the end of the document unless a token includes it: float64.")
      .def("log_prob", checked(&log_prob), py::arg("next_token"), "The log-probability of a next token, in nats.");
}

}  // namespace infgram::python
