#define _GNU_SOURCE
#include "boot/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

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

/* Replaces `part` by the entry of `dir` that differs only in case, if any. */
static bool
fold_case(int dir, char *part)
{
	int fd = open_at(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool found = false;

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	/* Of several the first in byte order: not whatever the disk lists first. */
	while ((e = readdir(d)) != NULL)
		if (strcasecmp(e->d_name, part) == 0 &&
			(!found || strcmp(e->d_name, part) < 0)) {
			strcpy(part, e->d_name);
			found = true;
		}
	closedir(d);
	return found;
}

static bool
is_link(int dir, const char *part)
{
	struct stat st;

	return fstatat(dir, part, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/*
 * Opens one part. What is not a link is opened beneath; only a link that lies in
 * the directory may lead out of it, and `part` has no slash and is not "..".
 */
static int
open_part(int dir, char *part, int flags)
{
	int fd = open_at(dir, part, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);

	if (fd == -ENOENT && fold_case(dir, part))
		fd = open_at(dir, part, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
	if (fd == -EXDEV && is_link(dir, part))
		fd = open_at(dir, part, flags, RESOLVE_NO_MAGICLINKS);
	return fd;
}

/* Part by part: for links that leave the tree, and for names in the wrong case. */
static int
walk(int root, const char *name)
{
	char part[256];
	int dir = root;

	for (;;) {
		size_t n = strcspn(name, "/");
		int fd;

		if (n >= sizeof(part))
			fd = -ENAMETOOLONG;
		else {
			memcpy(part, name, n);
			part[n] = '\0';
			fd = open_part(
				dir, part, name[n] ? HANDLE | O_DIRECTORY : READING);
		}
		if (dir != root)
			close(dir);
		if (fd < 0 || name[n] == '\0')
			return fd;
		dir = fd;
		name += n + 1;
	}
}

static int
open_below(int root, const char *name)
{
	int fd;

	if (*name == '\0')
		return open_at(root, ".", READING | O_DIRECTORY, 0);
	fd = open_at(root, name, READING, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
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
	if (fstat(fd, st) < 0 || !(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}
