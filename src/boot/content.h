/*
 * Content: what a name resolved to, whoever carries it. Bytes in memory, or an
 * open file (an extent of one, so that a file inside an ISO is content too).
 * Reference counted; TFTP transfers and HTTP replies each hold one reference and
 * no copy of the bytes.
 *
 * What was begun is sent to its end as long as its bytes are one version of the file.
 * They are when they lie in memory, and when the file was removed, renamed, or another
 * put in its place: the one that is open stays as it was. One that is cut or rewritten in
 * place must not arrive as if nothing had happened: readers call content_check() before
 * they send the last bytes, and end the transfer with an error when it says so.
 */
#ifndef PIXIE_BOOT_CONTENT_H
#define PIXIE_BOOT_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#define ETAG_TEXT 64

struct content;

/*
 * Bytes that live as long as the process (embedded assets); not freed. `mtime` 0:
 * unknown. NULL without memory.
 */
struct content *content_static(
	const void *data, size_t len, const char *type, const char *etag, time_t mtime);
/* Takes `data` (from malloc) over, also on failure; the ETag is a hash of the bytes. */
struct content *content_owned(void *data, size_t len, const char *type);
/*
 * Takes the descriptor of a regular file over, also on failure. `st` is its
 * fstat; type is a string that outlives the content. ETag from inode, size, times.
 */
struct content *content_file(int fd, const struct stat *st, const char *type);

/*
 * All bytes of the file at `path`, as it was when `st` was taken; takes `bytes` (from
 * malloc) over, also on failure. content_is_current() looks whether it is still so.
 */
struct content *content_kept(
	void *bytes, const char *path, const struct stat *st, const char *type);
/*
 * As content_file(), for a file opened as `path`. The last reference goes to `idle`,
 * which may keep it (true) and give it to the next who asks for the file.
 */
struct content *content_lent(int fd, const char *path, const struct stat *st,
	const char *type, bool (*idle)(struct content *));
/* The path of the above two, NULL for other content. Borrowed. */
const char *content_path(const struct content *c);
/* Whether the path still leads to the same version of the same file (one stat). */
bool content_is_current(const struct content *c);

/* What tells a file, and a version of it, from all others. */
struct version {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct version version_of(const struct stat *st);
bool version_same(const struct version *a, const struct version *b);

struct content *content_ref(struct content *c);
/* Drops a reference; the last one closes and frees. NULL is fine. */
void content_unref(struct content *c);
/* The same, and it is not to be kept. */
void content_drop(struct content *c);

uint64_t content_size(const struct content *c);
/* Media type without parameters for .efi (EDK2 compares the whole value). */
const char *content_type(const struct content *c);
/* Strong validator in quotes, RFC 9110 §8.8.3: "\"…\"". */
const char *content_etag(const struct content *c);
/* Modification time, or 0 when the content has none (generated scripts). */
time_t content_mtime(const struct content *c);

/* The bytes from `off` on when they are in memory, else NULL. Borrowed. */
const uint8_t *content_view(const struct content *c, uint64_t off);
/* Descriptor for sendfile and where the content starts in it, or -1 for memory. Borrowed.
 */
int content_fd(const struct content *c, uint64_t *base);
/*
 * Reads exactly `len` bytes at `off` (both within the size). 0, or -ESTALE when
 * the file has become shorter, or -errno of the read. Small reads in sequence are
 * served from what was read ahead: content_check() afterwards tells whether they are
 * still of the file. A file's content is read by one thread.
 */
int content_read(struct content *c, uint64_t off, void *buf, size_t len);
/*
 * 0 while what was read is of one version, else -ESTALE (one fstat of an open file), or
 * -errno of that. Never fails for what is in memory. Rights, owner and names may change.
 */
int content_check(const struct content *c);

/* The media type for a file name, by its extension. Never NULL. */
const char *content_type_of(const char *name);

#endif
