#include <stdexcept>

// An exception that nobody above it catches.
extern "C" void cxx_throws(void) { throw std::runtime_error("nobody catches this"); }
