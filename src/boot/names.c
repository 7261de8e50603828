#include "boot/names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "boot/dir_stamp.h"

/* One allocation each: the names with their NULs, and pointers to them, sorted. */
struct list {
	char *text;
	const char **names; /* NULL: too many to keep, the directory is read each time */
	size_t n, len, cap;
};

struct kept {
	struct dir_stamp stamp;
	struct list list;
	uint64_t used; /* when it was asked last; 0: nothing is kept here */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept kept[NAMES_DIRS];
static size_t kept_bytes;
static uint64_t turn;

/* Names that differ in case only lie together, in byte order. */
static int
compare(const char *a, const char *b)
{
	int order = strcasecmp(a, b);

	return order ? order : strcmp(a, b);
}

static int
by_name(const void *a, const void *b)
{
	return compare(*(const char *const *)a, *(const char *const *)b);
}

static size_t
bytes_of(const struct list *list)
{
	return list->cap + list->n * sizeof(*list->names);
}

static void
list_free(struct list *list)
{
	free(list->text);
	free(list->names);
	*list = (struct list){0};
}

static bool
add(struct list *list, const char *name)
{
	size_t size = strlen(name) + 1;
	char *text = list->text;

	if (list->n == NAMES_MAX)
		return false;
	if (list->cap - list->len < size) {
		list->cap = list->cap ? list->cap * 2 : 4096;
		text = realloc(text, list->cap);
		if (text == NULL)
			return false;
		list->text = text;
	}
	memcpy(text + list->len, name, size);
	list->len += size;
	list->n++;
	return true;
}

/* The text moves while it grows, so the pointers come last. */
static bool
sort(struct list *list)
{
	const char *name = list->text;

	list->names = calloc(list->n, sizeof(*list->names));
	if (list->names == NULL)
		return false;
	for (size_t i = 0; i < list->n; i++, name += strlen(name) + 1)
		list->names[i] = name;
	qsort(list->names, list->n, sizeof(*list->names), by_name);
	return true;
}

/* All names; none, when there are too many, memory is short or the disk has an error. */
static struct list
read_all(DIR *d)
{
	struct list list = {0};
	struct dirent *e;
	bool ok = true;

	while (ok && (errno = 0, e = readdir(d)) != NULL)
		ok = add(&list, e->d_name);
	if (!ok || errno != 0 || list.n == 0 || !sort(&list) ||
		bytes_of(&list) > NAMES_BYTES)
		list_free(&list);
	return list;
}

static bool
next_in_list(const struct list *list, const char *part, const char *after,
	char found[static NAMES_PART])
{
	size_t lo = 0, hi = list->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcasecmp(list->names[mid], part);

		if (order < 0 || (order == 0 && strcmp(list->names[mid], after) <= 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == list->n || strcasecmp(list->names[lo], part) != 0)
		return false;
	strcpy(found, list->names[lo]);
	return true;
}

static bool
next_in_dir(DIR *d, const char *part, const char *after, char found[static NAMES_PART])
{
	struct dirent *e;
	bool any = false;

	while ((e = readdir(d)) != NULL)
		if (strcasecmp(e->d_name, part) == 0 && strcmp(e->d_name, after) > 0 &&
			(!any || strcmp(e->d_name, found) < 0)) {
			strcpy(found, e->d_name);
			any = true;
		}
	return any;
}

static void
forget(struct kept *k)
{
	kept_bytes -= bytes_of(&k->list);
	list_free(&k->list);
	*k = (struct kept){0};
}

/* The slot of that directory, whatever version of it; else an empty one, or NULL. */
static struct kept *
slot_of(const struct dir_stamp *stamp)
{
	struct kept *empty = NULL;

	for (size_t i = 0; i < NAMES_DIRS; i++)
		if (kept[i].used == 0)
			empty = &kept[i];
		else if (dir_stamp_same_dir(&kept[i].stamp, stamp))
			return &kept[i];
	return empty;
}

/* The least recently used; there is one. */
static struct kept *
oldest(void)
{
	struct kept *k = NULL;

	for (size_t i = 0; i < NAMES_DIRS; i++)
		if (kept[i].used != 0 && (k == NULL || kept[i].used < k->used))
			k = &kept[i];
	return k;
}

/* Takes the list over. */
static void
keep(const struct dir_stamp *stamp, struct list list)
{
	struct kept *k;

	pthread_mutex_lock(&lock);
	k = slot_of(stamp);
	if (k == NULL)
		k = oldest();
	forget(k);
	while (kept_bytes + bytes_of(&list) > NAMES_BYTES)
		forget(oldest());
	*k = (struct kept){*stamp, list, ++turn};
	kept_bytes += bytes_of(&list);
	pthread_mutex_unlock(&lock);
}

enum known { NOT_KEPT, TOO_MANY, NO_SUCH, FOUND };

static enum known
next_in_kept(const struct dir_stamp *stamp, const char *part, const char *after,
	char found[static NAMES_PART])
{
	enum known known = NOT_KEPT;
	struct kept *k;

	pthread_mutex_lock(&lock);
	k = slot_of(stamp);
	if (k != NULL && k->used != 0 && dir_stamp_same(&k->stamp, stamp)) {
		k->used = ++turn;
		known = k->list.names == NULL                        ? TOO_MANY
			: next_in_list(&k->list, part, after, found) ? FOUND
								     : NO_SUCH;
	}
	pthread_mutex_unlock(&lock);
	return known;
}

static DIR *
open_dir(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

/* From the directory, which is read without the lock; its names are kept if they may. */
static bool
next_anew(const struct stat *st, DIR *d, const char *part, const char *after,
	char found[static NAMES_PART])
{
	struct dir_stamp stamp = dir_stamp_of(st);
	struct list list;
	bool any;

	if (!dir_stamp_holds(dirfd(d), st))
		return next_in_dir(d, part, after, found);
	list = read_all(d);
	any = list.names != NULL && next_in_list(&list, part, after, found);
	if (list.names == NULL) {
		rewinddir(d);
		any = next_in_dir(d, part, after, found);
	}
	keep(&stamp, list);
	return any;
}

bool
names_next(int dir, const char *part, const char *after, char found[static NAMES_PART])
{
	struct dir_stamp stamp;
	struct stat st;
	enum known known;
	bool any;
	DIR *d;

	if (fstat(dir, &st) < 0)
		return false;
	stamp = dir_stamp_of(&st);
	known = next_in_kept(&stamp, part, after, found);
	if (known == FOUND || known == NO_SUCH)
		return known == FOUND;
	d = open_dir(dir);
	if (d == NULL)
		return false;
	any = known == TOO_MANY ? next_in_dir(d, part, after, found)
				: next_anew(&st, d, part, after, found);
	closedir(d);
	return any;
}

void
names_clear(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < NAMES_DIRS; i++)
		forget(&kept[i]);
	pthread_mutex_unlock(&lock);
}
