// One element too far, in C++: an instrumentation of C alone does not see it.
extern "C" int cxx_reads_too_far(int at) {
	int *elements = new int[4];
	elements[0] = 1;
	volatile int *seen = elements;
	int read = seen[at];
	delete[] elements;
	return read;
}
