#define _GNU_SOURCE /* memmem() */
/* The head of a script, and text put in the place of a mark in it. */
#include <stdlib.h>
#include <string.h>

#include "boot/script.h"
#include "boot/script_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *wrong;
	enum machine_state state;
	size_t n = 0, len = 0;
	char *out;

	state = script_state(text, size, &wrong, &n);
	require(state < STATE_COUNT);
	require(wrong == NULL ||
		(state == STATE_BOOT && wrong >= text && wrong + n <= text + size));
	out = script_replace(text, size, "${x}", "long", &len);
	require(out != NULL && len == size && memmem(out, len, "${x}", 4) == NULL);
	free(out);
	out = script_replace(text, size, "ab", "", &len);
	require(out != NULL && len <= size && (size - len) % 2 == 0);
	free(out);
	return 0;
}
