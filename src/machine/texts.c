#include "machine/texts.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

struct text {
	struct text *next;
	uint32_t hash, uses;
	char s[];
};

static size_t
size_of(size_t len)
{
	return sizeof(struct text) + len + 1;
}

void
texts_init(struct texts *x, uint32_t seed)
{
	memset(x, 0, sizeof(*x));
	x->seed = seed;
}

void
texts_deinit(struct texts *x)
{
	for (size_t i = 0; i < TEXTS_LISTS; i++)
		for (struct text *t = x->lists[i], *next; t != NULL; t = next) {
			next = t->next;
			free(t);
		}
	texts_init(x, x->seed);
}

static bool
is_text(const struct text *t, uint32_t hash, const char *text, size_t len)
{
	return t->hash == hash && strncmp(t->s, text, len) == 0 && t->s[len] == '\0';
}

static struct text *
new_text(struct texts *x, uint32_t hash, const char *text, size_t len)
{
	struct text **list = &x->lists[hash % TEXTS_LISTS];
	struct text *t = malloc(size_of(len));

	if (t == NULL)
		return NULL;
	*t = (struct text){.next = *list, .hash = hash};
	memcpy(t->s, text, len);
	t->s[len] = '\0';
	*list = t;
	x->bytes += size_of(len);
	return t;
}

const char *
texts_keep(struct texts *x, const char *text, size_t max)
{
	size_t len = text ? strnlen(text, max) : 0;
	struct text *t;
	uint32_t hash;

	if (len == 0)
		return NULL;
	hash = seeded_hash(x->seed, text, len);
	t = x->lists[hash % TEXTS_LISTS];
	while (t != NULL && !is_text(t, hash, text, len))
		t = t->next;
	if (t == NULL && (t = new_text(x, hash, text, len)) == NULL)
		return NULL;
	t->uses++;
	return t->s;
}

void
texts_drop(struct texts *x, const char *kept)
{
	struct text *t =
		kept ? (struct text *)(void *)(kept - offsetof(struct text, s)) : NULL;
	struct text **at;

	if (t == NULL || --t->uses > 0)
		return;
	at = &x->lists[t->hash % TEXTS_LISTS];
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	x->bytes -= size_of(strlen(t->s));
	free(t);
}

void
texts_set(struct texts *x, const char **at, const char *text, size_t max)
{
	const char *was = *at;

	*at = texts_keep(x, text, max);
	texts_drop(x, was);
}
