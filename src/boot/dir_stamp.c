#include "boot/dir_stamp.h"

#include <stddef.h>
#include <sys/vfs.h>

/*
 * A directory's time of change has steps (a timer's tick; two seconds on FAT): what was
 * read in the step of a change may lack what changed after it.
 */
#define SETTLED 3 /* seconds */

struct dir_stamp
dir_stamp_of(const struct stat *st)
{
	return (struct dir_stamp){st->st_dev, st->st_ino, st->st_mtim, st->st_ctim};
}

static bool
same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool
dir_stamp_same_dir(const struct dir_stamp *a, const struct dir_stamp *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

bool
dir_stamp_same(const struct dir_stamp *a, const struct dir_stamp *b)
{
	return dir_stamp_same_dir(a, b) && same_time(&a->mtime, &b->mtime) &&
	       same_time(&a->ctime, &b->ctime);
}

static bool
is_local(int fd)
{
	static const unsigned types[] = {
		0xef53,     /* ext2, ext3, ext4 */
		0x58465342, /* XFS */
		0x9123683e, /* Btrfs */
		0xf2f52010, /* F2FS */
		0x2fc12fc1, /* ZFS */
		0xca451a4e, /* bcachefs */
		0x01021994, /* tmpfs */
		0x794c7630, /* overlay: the times of the upper directory, once it has one
			     */
		0x73717368, /* squashfs */
		0x9660,     /* ISO 9660 */
	};
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if ((unsigned)fs.f_type == types[i])
			return true;
	return false;
}

bool
dir_stamp_holds(int fd, const struct stat *st)
{
	time_t now = time(NULL);

	return now - st->st_mtim.tv_sec > SETTLED && now - st->st_ctim.tv_sec > SETTLED &&
	       is_local(fd);
}
