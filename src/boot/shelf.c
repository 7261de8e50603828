#include "boot/shelf.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"

#define SLOTS 256 /* a power of two; two names that meet in one push each other out */
#define SETTLED 2 /* seconds */

struct slot {
	uint64_t name;           /* hash of the path it was last asked by */
	struct version seen;     /* and the file that was there */
	struct content *content; /* in memory, or open and idle; NULL: asked for once */
	bool tidied;             /* idle since before the last shelf_tidy() */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[SLOTS];
static uint64_t kept;      /* bytes */
static unsigned kept_open; /* files */
static unsigned hand;      /* where the search for something to drop goes on */

static bool
join(char path[static PATH_MAX], const char *dir, const char *name)
{
	size_t d = strlen(dir), n = strlen(name);

	if (d + n + 2 > PATH_MAX)
		return false;
	memcpy(path, dir, d);
	path[d] = '/';
	memcpy(path + d + 1, name, n + 1);
	return true;
}

static struct slot *
slot_of(const char *path)
{
	return &slots[fnv1a(path, strlen(path)) % SLOTS];
}

static bool
is_open(const struct content *c)
{
	return content_view(c, 0) == NULL;
}

/* Takes what lies there out of the slot, and out of the books. */
static struct content *
take(struct slot *slot)
{
	struct content *c = slot->content;

	if (c != NULL && is_open(c))
		kept_open--;
	else if (c != NULL)
		kept -= content_size(c);
	slot->content = NULL;
	return c;
}

static void
empty(struct slot *slot)
{
	content_drop(take(slot));
	*slot = (struct slot){0};
}

/* content_lent()'s `idle`: a large file has no user any more. */
static bool
keep_open(struct content *c)
{
	struct slot *slot = slot_of(content_path(c));
	bool room;

	pthread_mutex_lock(&lock);
	room = slot->content == NULL && kept_open < SHELF_OPEN_MAX;
	if (room) {
		slot->content = c;
		slot->tidied = false;
		kept_open++;
	}
	pthread_mutex_unlock(&lock);
	return room;
}

/* A reference to what is kept of `path`: to an open file, the only one. */
static struct content *
look(struct slot *slot, const char *path)
{
	struct content *c;

	pthread_mutex_lock(&lock);
	c = slot->content;
	if (c != NULL && strcmp(content_path(c), path) != 0)
		c = NULL;
	else if (c != NULL && is_open(c))
		take(slot);
	else if (c != NULL)
		content_ref(c);
	pthread_mutex_unlock(&lock);
	return c;
}

struct content *
shelf_find(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct content *c;
	struct slot *slot;

	if (!join(path, dir, name))
		return NULL;
	slot = slot_of(path);
	c = look(slot, path);
	if (c == NULL || content_is_current(c))
		return c;
	pthread_mutex_lock(&lock);
	if (slot->content == c)
		empty(slot);
	pthread_mutex_unlock(&lock);
	content_drop(c);
	return NULL;
}

void
shelf_tidy(void)
{
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < SLOTS && kept_open > 0; i++) {
		struct slot *slot = &slots[i];

		if (slot->content == NULL || !is_open(slot->content))
			continue;
		if (slot->tidied)
			empty(slot);
		else
			slot->tidied = true;
	}
	pthread_mutex_unlock(&lock);
}

static bool
is_settled(const struct stat *st)
{
	time_t now = time(NULL);

	return now - st->st_mtim.tv_sec > SETTLED && now - st->st_ctim.tv_sec > SETTLED;
}

/* Whether the same file was asked for by this path before; remembers that it was. */
static bool
is_wanted(const char *path, const struct stat *st)
{
	uint64_t name = fnv1a(path, strlen(path));
	struct slot *slot = &slots[name % SLOTS];
	struct version seen = version_of(st);
	bool again;

	pthread_mutex_lock(&lock);
	again = slot->name == name && version_same(&slot->seen, &seen);
	if (!again) {
		empty(slot);
		slot->name = name;
		slot->seen = seen;
	}
	pthread_mutex_unlock(&lock);
	return again;
}

static bool
is_unchanged(int fd, const struct stat *st)
{
	struct version was = version_of(st), is;
	struct stat now;

	if (fstat(fd, &now) < 0)
		return false;
	is = version_of(&now);
	return version_same(&was, &is);
}

/*
 * Whether the path itself leads to that file, as it does not when it was asked for in
 * another case: then there is nothing by which to see that it is still the same.
 */
static bool
leads_to(const char *path, const struct stat *st)
{
	struct version wanted = version_of(st), found;
	struct stat there;

	if (stat(path, &there) < 0)
		return false;
	found = version_of(&there);
	return version_same(&wanted, &found);
}

/* All of the file, if it stayed the same while it was read; else NULL. */
static struct content *
read_whole(const char *path, int fd, const struct stat *st, const char *type)
{
	size_t size = (size_t)st->st_size, got = 0;
	uint8_t *bytes = malloc(size);
	ssize_t n = 1;

	if (bytes == NULL)
		return NULL;
	while (got < size && n > 0) {
		n = pread(fd, bytes + got, size - got, (off_t)got);
		got += n > 0 ? (size_t)n : 0;
	}
	if (got < size || !is_unchanged(fd, st)) {
		free(bytes);
		return NULL;
	}
	return content_kept(bytes, path, st, type);
}

static void
put(const char *path, struct content *c)
{
	struct slot *slot = slot_of(path);

	pthread_mutex_lock(&lock);
	if (slot->content != NULL)
		empty(slot);
	while (kept + content_size(c) > SHELF_MAX)
		empty(&slots[hand++ % SLOTS]);
	slot->content = content_ref(c);
	kept += content_size(c);
	pthread_mutex_unlock(&lock);
}

struct content *
shelf_open(const char *dir, const char *name, int fd, const struct stat *st,
	const char *type)
{
	char path[PATH_MAX];
	struct content *c = NULL;

	if (!join(path, dir, name))
		return content_file(fd, st, type);
	if (st->st_size > SHELF_FILE_MAX)
		return content_lent(fd, path, st, type, keep_open);
	if (st->st_size > 0 && st->st_size <= SHELF_FILE_MAX && is_settled(st) &&
		is_wanted(path, st) && leads_to(path, st))
		c = read_whole(path, fd, st, type);
	if (c == NULL)
		return content_file(fd, st, type);
	close(fd);
	put(path, c);
	return c;
}

void
shelf_clear(void)
{
	pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < SLOTS; i++)
		empty(&slots[i]);
	pthread_mutex_unlock(&lock);
}
