#include "index.h"

#include <cstdlib>
#include <cstring>

struct index_t {
	int count = 0, room = 4;
	int *lengths = new int[4];
	char **words = new char *[4];
};

extern "C" index_t *index_new(void) { return new index_t; }

extern "C" void index_free(index_t *index) {
	for (int i = 0; i < index->count; i++) free(index->words[i]);
	delete[] index->words;
	delete[] index->lengths;
	delete index;
}

extern "C" int index_add(index_t *index, const char *word) {
	if (index->count == index->room) return -1;
	index->words[index->count] = strdup(word);
	index->lengths[index->count] = static_cast<int>(strlen(word));
	return index->count++;
}

extern "C" int index_length(index_t *index, int place) {
	if (place > index->room) return 0;
	return index->lengths[place];
}

extern "C" char *index_word(index_t *index, int place) {
	return place < index->count ? strdup(index->words[place]) : nullptr;
}
