/*
 * Strings that machines have in common (a vendor, a ROM's name, the words of a verdict),
 * each kept once and counted: a fleet of one model takes little more than one of it.
 */
#ifndef PIXIE_MACHINE_TEXTS_H
#define PIXIE_MACHINE_TEXTS_H

#include <stddef.h>
#include <stdint.h>

#define TEXTS_LISTS 4096

struct text;

struct texts {
	struct text *lists[TEXTS_LISTS]; /* by hash */
	uint32_t seed;
	size_t bytes; /* of the strings that are kept */
};

void texts_init(struct texts *x, uint32_t seed);
/* Frees all of them, whoever has one. */
void texts_deinit(struct texts *x);

/*
 * The first `max` bytes of `text`, kept until as many texts_drop() as texts_keep().
 * NULL for NULL, for "" and without memory.
 */
const char *texts_keep(struct texts *x, const char *text, size_t max);
/* NULL: nothing. */
void texts_drop(struct texts *x, const char *kept);
/* `*at`, a kept one or NULL, is from now on what texts_keep() gives. */
void texts_set(struct texts *x, const char **at, const char *text, size_t max);

#endif
