// For programs that contain traced code, but do not fuzz (driver.cpp).
extern "C" void __sanitizer_cov_trace_pc() {}  // NOLINT: the compiler's name
