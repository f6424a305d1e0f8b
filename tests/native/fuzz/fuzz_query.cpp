// Every query of the core over an altered index.
#include "fuzz/queries.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fuzz;
  return within_a_second([&] {
    Input input({data, size});
    const auto opened = open_hostile(infgram_bases(), input);
    if (opened) ask_some(input, [&] { query(*opened, input); });
  });
}
