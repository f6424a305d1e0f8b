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

std::vector<std::unique_ptr<Predictor>> predictors_of(ContextTree& tree, std::uint64_t order) {
  std::vector<std::unique_ptr<Predictor>> all;
  const auto add = [&](std::unique_ptr<const StepRule> rule) {
    all.push_back(std::make_unique<InterpolatedSmoothing>(tree, std::move(rule)));
  };
  add(std::make_unique<Unsmoothed>());
  add(std::make_unique<WittenBell>());
  add(std::make_unique<JelinekMercer>(std::vector<double>(JelinekMercer::kLengths * JelinekMercer::kCounts, 0.5)));
  if (tree.statistics()) add(std::make_unique<KneserNey>(*tree.statistics(), order));
  all.push_back(std::make_unique<StupidBackoff>());
  all.push_back(std::make_unique<Ppm>(tree));
  return all;
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

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return within_a_second([&] {
    Input input({data, size});
    const auto opened = open_hostile(input);
    if (!opened) return;
    const Index& index = opened->index;
    const auto kind = input.next<std::uint8_t>();
    const std::vector<TokenId> tokens = sequence_of(*opened, input);
    const auto no_poll = [] {};
    attempt([&] {
      constexpr std::array<std::uint64_t, 4> kFew = {0, 2, 8, 32};
      ContextTree tree(index, kind % 8 == 0 ? 3000 : 1 << 20, kFew[kind / 8 % 4]);
      if (kind % 2 == 0) attempt([&] { tree.set_statistics(survey_ngrams(index, 1, [](std::uint64_t) {})); });
      attempt([&] { check_levels(tree, tokens); });
      ModelOptions options;
      options.min_count = 1 + kind % 2U;
      if (kind % 3 == 0) options.longest = 2;
      if (kind % 5 == 0) options.end_token = 0;
      for (auto& predictor : predictors_of(tree, options.longest == 2 ? 3 : 0)) {
        LanguageModel model(tree, std::move(predictor), options);
        attempt([&] {
          const EvaluationRequest request{&model, true, {}};
          static_cast<void>(evaluate({&request, 1}, tokens, true, no_poll));
        });
        attempt([&] {
          SuffixChain chain(tree);
          for (const TokenId token : tokens) chain.append(token);
          const std::vector<double> probs = model.distribution(chain);
          if (probs.size() != index.vocab_size() + (options.end_token ? 0 : 1)) std::abort();
        });
      }
      attempt([&] {
        const std::array<std::uint64_t, 3> lengths = {1, 2, 5};
        static_cast<void>(suffix_features(tree, tokens, lengths, no_poll));
      });
      attempt([&] {
        JelinekMercerFit fit(tree, options);
        fit.add(tokens, no_poll);
        static_cast<void>(fit.weights(2, no_poll));
      });
    });
  });
}
