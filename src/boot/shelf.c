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
	struct stat seen;        /* and the file that was there */
	struct content *content; /* NULL: asked for once */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[SLOTS];
static uint64_t kept; /* bytes */
static unsigned hand; /* where the search for something to drop goes on */

static bool
join(char path[static PATH_MAX], const char *dir, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", dir, name) < PATH_MAX;
}

static void
empty(struct slot *slot)
{
	if (slot->content != NULL)
		kept -= content_size(slot->content);
	content_unref(slot->content);
	*slot = (struct slot){0};
}

struct content *
shelf_find(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct content *c = NULL;
	struct slot *slot;

	if (!join(path, dir, name))
		return NULL;
	pthread_mutex_lock(&lock);
	slot = &slots[fnv1a(path, strlen(path)) % SLOTS];
	if (slot->content != NULL && strcmp(content_path(slot->content), path) == 0)
		c = content_ref(slot->content);
	pthread_mutex_unlock(&lock);
	if (c == NULL || content_check(c) == 0)
		return c;
	pthread_mutex_lock(&lock);
	if (slot->content == c)
		empty(slot);
	pthread_mutex_unlock(&lock);
	content_unref(c);
	return NULL;
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
	bool again;

	pthread_mutex_lock(&lock);
	again = slot->name == name && same_file(&slot->seen, st);
	if (!again) {
		empty(slot);
		slot->name = name;
		slot->seen = *st;
	}
	pthread_mutex_unlock(&lock);
	return again;
}

/* All of the file, if it stayed the same while it was read; else NULL. */
static struct content *
read_whole(const char *path, int fd, const struct stat *st, const char *type)
{
	size_t size = (size_t)st->st_size, got = 0;
	uint8_t *bytes = malloc(size);
	struct stat after;
	ssize_t n = 1;

	if (bytes == NULL)
		return NULL;
	while (got < size && n > 0) {
		n = pread(fd, bytes + got, size - got, (off_t)got);
		got += n > 0 ? (size_t)n : 0;
	}
	if (got < size || fstat(fd, &after) < 0 || !same_file(&after, st)) {
		free(bytes);
		return NULL;
	}
	return content_kept(bytes, path, st, type);
}

static void
put(const char *path, struct content *c)
{
	struct slot *slot = &slots[fnv1a(path, strlen(path)) % SLOTS];

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

	if (st->st_size > 0 && st->st_size <= SHELF_FILE_MAX && join(path, dir, name) &&
		is_settled(st) && is_wanted(path, st))
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
