#include "boot/script_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A script and what it is looked for by: one spelling for every way to write it. */
struct entry {
	char *key; /* from malloc; the file's name is behind it */
	const char *file;
};

struct script_list {
	struct entry *entries;
	size_t n, cap;
};

static int
by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	return order ? order : strcmp(x->file, y->file);
}

/* A MAC and a UUID as we write them, all else in lower case. */
static void
make_key(const char *stem, size_t len, char key[static 256])
{
	struct mac mac;
	struct uuid uuid;

	if (mac_parse(stem, len, &mac)) {
		mac_text(&mac, key);
		return;
	}
	if (uuid_parse(stem, len, &uuid)) {
		uuid_text(&uuid, key);
		return;
	}
	for (size_t i = 0; i < len; i++)
		key[i] = (char)tolower((unsigned char)stem[i]);
	key[len] = '\0';
}

static bool
add(struct script_list *list, const char *file)
{
	size_t len = strlen(file), ext = sizeof(".ipxe") - 1, keyed;
	struct entry *e = list->entries;
	char key[256];

	if (len <= ext || len > 255 || strcasecmp(file + len - ext, ".ipxe") != 0)
		return true;
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		e = reallocarray(e, list->cap, sizeof(*e));
		if (e == NULL)
			return false;
		list->entries = e;
	}
	make_key(file, len - ext, key);
	keyed = strlen(key) + 1;
	e = &list->entries[list->n];
	e->key = malloc(keyed + len + 1);
	if (e->key == NULL)
		return false;
	memcpy(e->key, key, keyed);
	e->file = memcpy(e->key + keyed, file, len + 1);
	list->n++;
	return true;
}

struct script_list *
script_list_of(DIR *d)
{
	struct script_list *list = calloc(1, sizeof(*list));
	struct dirent *e;
	bool ok = list != NULL;

	while (ok && (errno = 0, e = readdir(d)) != NULL)
		ok = add(list, e->d_name);
	if (!ok || errno != 0) {
		script_list_free(list);
		return NULL;
	}
	if (list->n > 0)
		qsort(list->entries, list->n, sizeof(*list->entries), by_key);
	return list;
}

struct script_list *
script_list_read(const char *dir)
{
	DIR *d = opendir(dir);
	struct script_list *list = d ? script_list_of(d) : NULL;

	if (d != NULL)
		closedir(d);
	return list;
}

void
script_list_free(struct script_list *list)
{
	if (list == NULL)
		return;
	for (size_t i = 0; i < list->n; i++)
		free(list->entries[i].key);
	free(list->entries);
	free(list);
}

size_t
script_list_count(const struct script_list *list)
{
	return list->n;
}

/* The first by byte order, of two spellings of one name. */
static const char *
find(const struct script_list *list, const char *stem)
{
	char wanted[256];
	size_t lo = 0, hi = list->n, len = strlen(stem);

	if (len == 0 || len > 255)
		return NULL;
	make_key(stem, len, wanted);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(list->entries[mid].key, wanted) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < list->n && strcmp(list->entries[lo].key, wanted) == 0
		       ? list->entries[lo].file
		       : NULL;
}

static const char *
find_uuid(const struct script_list *list, const struct uuid *uuid)
{
	struct uuid swapped = uuid_swapped(uuid);
	char text[UUID_TEXT];
	const char *file = find(list, uuid_text(uuid, text));

	return file ? file : find(list, uuid_text(&swapped, text));
}

const char *
script_list_find(const struct script_list *list, const struct machine_names *m)
{
	const char *file;
	char mac[MAC_TEXT];

	if (list == NULL)
		return NULL;
	file = find(list, mac_text(&m->mac, mac));
	if (file == NULL && m->has_uuid)
		file = find_uuid(list, &m->uuid);
	if (file == NULL)
		file = find(list, m->serial);
	return file ? file : find(list, "default");
}
