#include "boot/script_list.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

/* A script and what it is looked for by: one spelling for every way to write it. */
struct entry {
	char key[256];
	char file[256];
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
	size_t len = strlen(file), ext = sizeof(".ipxe") - 1;
	struct entry *e = list->entries;

	if (len <= ext || len > 255 || strcasecmp(file + len - ext, ".ipxe") != 0)
		return true;
	if (list->n == list->cap) {
		list->cap = list->cap ? list->cap * 2 : 64;
		e = reallocarray(e, list->cap, sizeof(*e));
		if (e == NULL)
			return false;
		list->entries = e;
	}
	e = &list->entries[list->n++];
	make_key(file, len - ext, e->key);
	memcpy(e->file, file, len + 1);
	return true;
}

struct script_list *
script_list_read(const char *dir)
{
	struct script_list *list = calloc(1, sizeof(*list));
	DIR *d = list ? opendir(dir) : NULL;
	struct dirent *e;
	bool ok = d != NULL;

	while (ok && (e = readdir(d)) != NULL)
		ok = add(list, e->d_name);
	if (d != NULL)
		closedir(d);
	if (!ok) {
		script_list_free(list);
		return NULL;
	}
	if (list->n > 0)
		qsort(list->entries, list->n, sizeof(*list->entries), by_key);
	return list;
}

void
script_list_free(struct script_list *list)
{
	if (list == NULL)
		return;
	free(list->entries);
	free(list);
}

/* The first by byte order, of two spellings of one name. */
static const char *
find(const struct script_list *list, const char *stem)
{
	struct entry wanted;
	size_t lo = 0, hi = list->n, len = strlen(stem);

	if (len == 0 || len > 255)
		return NULL;
	make_key(stem, len, wanted.key);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(list->entries[mid].key, wanted.key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < list->n && strcmp(list->entries[lo].key, wanted.key) == 0
		       ? list->entries[lo].file
		       : NULL;
}

const char *
script_list_find(const struct script_list *list, const struct machine_names *m)
{
	char mac[MAC_TEXT], uuid[UUID_TEXT];
	const char *file;

	if (list == NULL)
		return NULL;
	file = find(list, mac_text(&m->mac, mac));
	if (file == NULL && m->has_uuid)
		file = find(list, uuid_text(&m->uuid, uuid));
	if (file == NULL)
		file = find(list, m->serial);
	return file ? file : find(list, "default");
}

/*
 * The list that is kept. A directory's time of change has steps (a timer's tick; two
 * seconds on FAT): a list read in the step of a change may lack what changed after it,
 * so only one of a directory that has been as it is for longer is kept.
 */
#define SETTLED 3 /* seconds */

static struct {
	pthread_mutex_t lock;
	char dir[PATH_MAX];
	struct stat st;
	struct script_list *list;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
is_kept(const char *dir, const struct stat *st)
{
	return kept.list != NULL && strcmp(kept.dir, dir) == 0 &&
	       kept.st.st_dev == st->st_dev && kept.st.st_ino == st->st_ino &&
	       same_time(&kept.st.st_mtim, &st->st_mtim) &&
	       same_time(&kept.st.st_ctim, &st->st_ctim);
}

static void
keep(const char *dir, const struct stat *st, struct script_list *list)
{
	script_list_free(kept.list);
	kept.list = list;
	kept.st = *st;
	strcpy(kept.dir, dir);
}

static bool
copy(const char *file, char found[static 256])
{
	if (file != NULL)
		snprintf(found, 256, "%s", file);
	return file != NULL;
}

/* Not from the list that is kept; that becomes this one if it may. */
static bool
find_anew(const char *dir, const struct stat *st, const struct machine_names *m,
	char found[static 256])
{
	time_t now = time(NULL);
	struct script_list *list = script_list_read(dir);
	bool ok = copy(script_list_find(list, m), found);

	if (list != NULL && strlen(dir) < sizeof(kept.dir) &&
		now - st->st_mtim.tv_sec > SETTLED && now - st->st_ctim.tv_sec > SETTLED)
		keep(dir, st, list);
	else
		script_list_free(list);
	return ok;
}

bool
machine_script_find(
	const char *dir, const struct machine_names *m, char found[static 256])
{
	struct stat st;
	bool ok;

	if (stat(dir, &st) < 0)
		return false;
	pthread_mutex_lock(&kept.lock);
	if (is_kept(dir, &st))
		ok = copy(script_list_find(kept.list, m), found);
	else
		ok = find_anew(dir, &st, m, found);
	pthread_mutex_unlock(&kept.lock);
	return ok;
}
