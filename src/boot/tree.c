#define _GNU_SOURCE
#include "boot/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "boot/names.h"
#include "boot/secret.h"

/* O_NONBLOCK: opening a FIFO somebody left in the tree must not hang the server. */
#define READING (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define HANDLE (O_PATH | O_CLOEXEC)

static int
open_at(int dir, const char *name, int flags, unsigned resolve)
{
	struct open_how how = {.flags = (unsigned)flags, .resolve = resolve};
	long fd;
	int tries = 0;

	/* EAGAIN: something was renamed while the kernel walked. */
	do
		fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 8)));
	return fd < 0 ? -errno : (int)fd;
}

bool
tree_supported(void)
{
	int fd = open_at(AT_FDCWD, "/", HANDLE, RESOLVE_NO_MAGICLINKS);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool
is_link(int dir, const char *part)
{
	struct stat st;

	return fstatat(dir, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/*
 * Opens to read, unless it is secret. That is asked before it is opened: closing it again
 * would take SQLite's locks away.
 */
static int
open_to_read(int dir, const char *name, int flags, unsigned resolve)
{
	struct stat st;

	if (fstatat(dir, name, &st, 0) == 0 && secret_is(&st))
		return -EACCES;
	return open_at(dir, name, flags, resolve);
}

/*
 * Opens one part. What is not a link is opened beneath; only a link that lies in
 * the directory may lead out of it, and `part` has no slash and is not "..".
 */
static int
open_part(int dir, const char *part, int flags)
{
	int fd = open_to_read(dir, part, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);

	if (fd == -EXDEV && is_link(dir, part))
		fd = open_at(dir, part, flags, RESOLVE_NO_MAGICLINKS);
	return fd;
}

static int walk(int dir, const char *name);

/* Opens `part`, and below it `rest` unless that is NULL. */
static int
open_from(int dir, const char *part, const char *rest)
{
	int fd = open_part(dir, part, rest ? HANDLE | O_DIRECTORY : READING), below;

	if (fd < 0 || rest == NULL)
		return fd;
	below = walk(fd, rest);
	close(fd);
	return below;
}

/* Every other case is tried: boot/grub and Boot/BCD may lie in one tree. */
static int
open_in_other_case(int dir, const char *part, const char *rest)
{
	char after[NAMES_PART] = "", found[NAMES_PART];
	int fd = -ENOENT;

	while (fd == -ENOENT && names_next(dir, part, after, found)) {
		if (strcmp(found, part) != 0)
			fd = open_from(dir, found, rest);
		strcpy(after, found);
	}
	return fd;
}

/* Part by part: for links that leave the tree, and for names in the wrong case. */
static int
walk(int dir, const char *name)
{
	size_t n = strcspn(name, "/");
	const char *rest = name[n] ? name + n + 1 : NULL;
	char part[NAMES_PART];
	int fd;

	if (n >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, name, n);
	part[n] = '\0';
	fd = open_from(dir, part, rest);
	return fd == -ENOENT ? open_in_other_case(dir, part, rest) : fd;
}

static int
open_below(int root, const char *name)
{
	int fd;

	if (*name == '\0')
		return open_at(root, ".", READING | O_DIRECTORY, 0);
	fd = open_to_read(root, name, READING, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
	if (fd == -EXDEV || fd == -ENOENT || fd == -EAGAIN)
		fd = walk(root, name);
	return fd;
}

int
tree_open(const char *dir, const char *name, struct stat *st)
{
	int fd, root = open(dir, HANDLE | O_DIRECTORY);

	if (root < 0)
		return -errno;
	fd = open_below(root, name);
	close(root);
	if (fd < 0)
		return fd == -ENXIO ? -EINVAL : fd; /* ENXIO: a socket */
	if (fstat(fd, st) < 0 || secret_is(st) ||
		!(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}
