// Every language model over an altered index.
#include "fuzz/hostile_index.hpp"
#include "lm/backoff.hpp"
#include "lm/jelinek_mercer_fit.hpp"
#include "lm/kneser_ney.hpp"
#include "lm/language_model.hpp"
#include "lm/smoothing.hpp"
#include "lm/step_rules.hpp"
#include "lm/suffix_features.hpp"

namespace {

using namespace fuzz;

std::unique_ptr<Predictor> predictor_of(ContextTree& tree, unsigned number, std::uint64_t order) {
  const auto smoothing = [&](std::unique_ptr<const StepRule> rule) {
    return std::make_unique<InterpolatedSmoothing>(tree, std::move(rule));
  };
  switch (number % 6) {
    case 0: return smoothing(std::make_unique<Unsmoothed>());
    case 1: return smoothing(std::make_unique<WittenBell>());
    case 2: {
      std::vector<double> weights(JelinekMercer::kLengths * JelinekMercer::kCounts, 0.5);
      return smoothing(std::make_unique<JelinekMercer>(std::move(weights)));
    }
    case 3:
      if (!tree.statistics()) tree.set_statistics(survey_ngrams(tree.index(), 1, [](std::uint64_t) {}));
      return smoothing(std::make_unique<KneserNey>(*tree.statistics(), order));
    case 4: return std::make_unique<StupidBackoff>();
    default: return std::make_unique<Ppm>(tree);
  }
}

// Walks over the tokens and checks what every model relies on: the codes of a level ascend, and are in the vocabulary.
void check_levels(ContextTree& tree, std::span<const TokenId> tokens) {
  SuffixChain chain(tree);
  for (const TokenId token : tokens) {
    chain.append(token);
    for (const Level& level : chain.levels(false)) {
      const std::vector<TokenCode>& codes = level.next_tokens->codes;
      const bool do_ascend = std::ranges::adjacent_find(codes, std::greater_equal()) == codes.end();
      if (codes.empty() || !do_ascend || codes.back() > tree.index().vocab_size()) std::abort();
    }
  }
}

// Asks the question that the next bytes of the input describe.
void ask(ContextTree& tree, const ModelOptions& options, const Opened& opened, Input& input) {
  const auto no_poll = [] {};
  const auto question = input.next<std::uint8_t>();
  const std::vector<TokenId> tokens = sequence_of(opened, input);
  const auto model = [&] {
    return LanguageModel(tree, predictor_of(tree, question / 8, options.longest == 2 ? 3 : 0), options);
  };
  switch (question % 8) {
    case 0: return check_levels(tree, tokens);
    case 1: {
      const std::array<std::uint64_t, 3> lengths = {1, 2, 5};
      return static_cast<void>(suffix_features(tree, tokens, lengths, no_poll));
    }
    case 2: {
      JelinekMercerFit fit(tree, options);
      fit.add(tokens, no_poll);
      return static_cast<void>(fit.weights(2, no_poll));
    }
    case 3:
    case 4: {
      LanguageModel asked = model();
      SuffixChain chain(tree);
      for (const TokenId token : tokens) chain.append(token);
      const std::vector<double> probs = asked.distribution(chain);
      if (probs.size() != opened.index.vocab_size() + (options.end_token ? 0 : 1)) std::abort();
      return;
    }
    default: {
      LanguageModel asked = model();
      const EvaluationRequest request{&asked, question % 8 != 5, {}};
      return static_cast<void>(evaluate({&request, 1}, tokens, true, no_poll));
    }
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return within_a_second([&] {
    Input input({data, size});
    const auto opened = open_hostile(input);
    if (!opened) return;
    const auto kind = input.next<std::uint8_t>();
    constexpr std::array<std::uint64_t, 4> kFew = {0, 2, 8, 32};
    ModelOptions options;
    options.min_count = 1 + kind % 2U;
    if (kind % 3 == 0) options.longest = 2;
    if (kind % 5 == 0) options.end_token = 0;
    attempt([&] {
      ContextTree tree(opened->index, kind % 8 == 0 ? 3000 : 1 << 20, kFew[kind / 8 % 4]);
      for (int i = 0; i < 3 && (i == 0 || !input.is_at_end()); ++i) {
        attempt([&] { ask(tree, options, *opened, input); });
      }
    });
  });
}
