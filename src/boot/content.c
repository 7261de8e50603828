#include "boot/content.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/bytes.h"

/*
 * A client that takes a file block by block has it read a few dozen blocks at a time,
 * as long as few do: many at as many places would read much that is thrown away.
 */
#define AHEAD (32u << 10)
#define AHEAD_FOR (4u << 10) /* larger reads are good as they are */
#define AHEADS_MAX 32
#define AHEAD_FROM (128u << 10) /* size of files for which it is worth a buffer */

static atomic_uint aheads;

struct content {
	atomic_uint refs;
	const uint8_t *mem; /* NULL for a file */
	void *owned;        /* what to free, when mem is ours */
	int fd;             /* -1 for memory */
	uint64_t base;      /* where in fd the content starts */
	uint64_t size;
	time_t mtime;          /* 0: none to speak of */
	struct version opened; /* the file as it was when it was opened */
	char *path;            /* of a file that is kept */
	bool (*idle)(struct content *);
	uint8_t *ahead; /* AHEAD bytes, of which [ahead_at, ahead_end) is read */
	uint64_t ahead_at, ahead_end;
	uint64_t next; /* where the last small read ended */
	const char *type;
	char etag[ETAG_TEXT];
};

static struct content *
content_new(const char *type)
{
	struct content *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->refs = 1;
	c->fd = -1;
	c->type = type;
	return c;
}

struct content *
content_static(
	const void *data, size_t len, const char *type, const char *etag, time_t mtime)
{
	struct content *c = content_new(type);

	if (c == NULL)
		return NULL;
	c->mem = data;
	c->size = len;
	c->mtime = mtime;
	snprintf(c->etag, sizeof(c->etag), "\"%.60s\"", etag);
	return c;
}

struct content *
content_owned(void *data, size_t len, const char *type)
{
	struct content *c = content_new(type);

	if (c == NULL) {
		free(data);
		return NULL;
	}
	c->mem = c->owned = data;
	c->size = len;
	snprintf(c->etag, sizeof(c->etag), "\"%016llx-%zx\"",
		(unsigned long long)fnv1a(data, len), len);
	return c;
}

static void
describe_file(struct content *c, const struct stat *st)
{
	c->size = (uint64_t)st->st_size;
	c->mtime = st->st_mtim.tv_sec;
	c->opened = version_of(st);
	snprintf(c->etag, sizeof(c->etag), "\"%llx-%llx-%llx.%lx\"",
		(unsigned long long)st->st_ino, (unsigned long long)st->st_size,
		(unsigned long long)st->st_mtim.tv_sec,
		(unsigned long)st->st_mtim.tv_nsec);
}

struct content *
content_file(int fd, const struct stat *st, const char *type)
{
	struct content *c = content_new(type);

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->fd = fd;
	describe_file(c, st);
	return c;
}

struct content *
content_kept(void *bytes, const char *path, const struct stat *st, const char *type)
{
	struct content *c = content_new(type);

	if (c == NULL || (c->path = strdup(path)) == NULL) {
		free(bytes);
		free(c);
		return NULL;
	}
	c->mem = c->owned = bytes;
	describe_file(c, st);
	return c;
}

struct content *
content_lent(int fd, const char *path, const struct stat *st, const char *type,
	bool (*idle)(struct content *))
{
	struct content *c = content_file(fd, st, type);

	/* Without memory for its path it is one that is not kept. */
	if (c != NULL && (c->path = strdup(path)) != NULL)
		c->idle = idle;
	return c;
}

const char *
content_path(const struct content *c)
{
	return c->path;
}

static bool
same_moment(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

struct version
version_of(const struct stat *st)
{
	return (struct version){
		st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim};
}

bool
version_same(const struct version *a, const struct version *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       same_moment(&a->mtime, &b->mtime) && same_moment(&a->ctime, &b->ctime);
}

bool
content_is_current(const struct content *c)
{
	struct version now;
	struct stat st;

	if (stat(c->path, &st) < 0)
		return false;
	now = version_of(&st);
	return version_same(&now, &c->opened);
}

struct content *
content_ref(struct content *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

static void
drop_ahead(struct content *c)
{
	if (c->ahead == NULL)
		return;
	atomic_fetch_sub_explicit(&aheads, 1, memory_order_relaxed);
	free(c->ahead);
	c->ahead = NULL;
	c->ahead_at = c->ahead_end = c->next = 0;
}

static bool
is_last(struct content *c)
{
	return atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1;
}

static void
content_free(struct content *c)
{
	drop_ahead(c);
	if (c->fd >= 0)
		close(c->fd);
	free(c->owned);
	free(c->path);
	free(c);
}

void
content_unref(struct content *c)
{
	if (c == NULL || !is_last(c))
		return;
	if (c->idle != NULL) {
		drop_ahead(c);
		atomic_store_explicit(&c->refs, 1, memory_order_relaxed);
		if (c->idle(c))
			return;
	}
	content_free(c);
}

void
content_drop(struct content *c)
{
	if (c != NULL && is_last(c))
		content_free(c);
}

uint64_t
content_size(const struct content *c)
{
	return c->size;
}

const char *
content_type(const struct content *c)
{
	return c->type;
}

const char *
content_etag(const struct content *c)
{
	return c->etag;
}

time_t
content_mtime(const struct content *c)
{
	return c->mtime;
}

const uint8_t *
content_view(const struct content *c, uint64_t off)
{
	return c->mem ? c->mem + off : NULL;
}

int
content_fd(const struct content *c, uint64_t *base)
{
	*base = c->base;
	return c->fd;
}

static int
read_file(const struct content *c, uint64_t off, uint8_t *to, size_t len)
{
	while (len > 0) {
		ssize_t n = pread(c->fd, to, len, (off_t)(c->base + off));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ESTALE;
		to += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static bool
get_ahead(struct content *c)
{
	if (c->ahead != NULL)
		return true;
	if (atomic_fetch_add_explicit(&aheads, 1, memory_order_relaxed) < AHEADS_MAX)
		c->ahead = malloc(AHEAD);
	if (c->ahead == NULL)
		atomic_fetch_sub_explicit(&aheads, 1, memory_order_relaxed);
	return c->ahead != NULL;
}

/* Has [off, off + len) in c->ahead; false when it has to be read as it is. */
static bool
read_ahead(struct content *c, uint64_t off, size_t len)
{
	bool follows = off == c->next;
	uint64_t end = c->size - off < AHEAD ? c->size : off + AHEAD;

	c->next = off + len;
	if (off >= c->ahead_at && off + len <= c->ahead_end)
		return true;
	if (!follows || c->size < AHEAD_FROM || !get_ahead(c))
		return false;
	c->ahead_at = c->ahead_end = off;
	if (read_file(c, off, c->ahead, (size_t)(end - off)) < 0)
		return false;
	c->ahead_end = end;
	return true;
}

int
content_read(struct content *c, uint64_t off, void *buf, size_t len)
{
	if (c->mem != NULL)
		memcpy(buf, c->mem + off, len);
	else if (len > AHEAD_FOR || !read_ahead(c, off, len))
		return read_file(c, off, buf, len);
	else
		memcpy(buf, c->ahead + (off - c->ahead_at), len);
	return 0;
}

int
content_check(const struct content *c)
{
	const struct version *was = &c->opened;
	struct stat st;

	if (c->fd < 0)
		return 0;
	if (fstat(c->fd, &st) < 0)
		return -errno;
	if (st.st_size != was->size || !same_moment(&st.st_mtim, &was->mtime))
		return -ESTALE;
	return 0;
}

/*
 * EDK2 compares the whole value of Content-Type with these (HttpBootSupport.c),
 * so they carry no parameters; text does, for browsers.
 */
static const struct {
	const char *ext, *type;
} types[] = {
	{".efi", "application/efi"},
	{".iso", "application/vnd.efi-iso"},
	{".img", "application/vnd.efi-img"},
	{".ipxe", "text/plain; charset=utf-8"},
	{".txt", "text/plain; charset=utf-8"},
	{".cfg", "text/plain; charset=utf-8"},
	{".ks", "text/plain; charset=utf-8"},
	{".conf", "text/plain; charset=utf-8"},
	{".html", "text/html; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".js", "text/javascript; charset=utf-8"},
	{".mjs", "text/javascript; charset=utf-8"},
	{".json", "application/json"},
	{".yaml", "application/yaml"},
	{".yml", "application/yaml"},
	{".xml", "text/xml; charset=utf-8"},
	{".svg", "image/svg+xml"},
	{".png", "image/png"},
	{".jpg", "image/jpeg"},
	{".gz", "application/gzip"},
	{".zip", "application/zip"},
};

const char *
content_type_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(*types); i++)
		if (strcasecmp(dot, types[i].ext) == 0)
			return types[i].type;
	return "application/octet-stream";
}
