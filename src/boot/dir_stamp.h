/*
 * What of a directory may be kept: that nothing was added, removed or renamed in it is
 * seen from its times, where those can be trusted.
 */
#ifndef PIXIE_BOOT_DIR_STAMP_H
#define PIXIE_BOOT_DIR_STAMP_H

#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

/* A directory, and a version of it. */
struct dir_stamp {
	dev_t dev;
	ino_t ino;
	struct timespec mtime, ctime;
};

struct dir_stamp dir_stamp_of(const struct stat *st);
bool dir_stamp_same_dir(const struct dir_stamp *a, const struct dir_stamp *b);
bool dir_stamp_same(const struct dir_stamp *a, const struct dir_stamp *b);

/*
 * Whether what is read of the directory `fd` from now on (not: what was read) is true as
 * long as its stamp is that of `st`, which was taken before: it has been as it is for
 * some seconds, and its file system is one that is known to keep such times itself. Of
 * one on another host, or of FUSE, they may be old; what is not known is not trusted.
 */
bool dir_stamp_holds(int fd, const struct stat *st);

#endif
