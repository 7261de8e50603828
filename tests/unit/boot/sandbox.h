/* A temporary directory for one test program, with files in it. */
#ifndef PIXIE_UNIT_SANDBOX_H
#define PIXIE_UNIT_SANDBOX_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "unit.h"

static char sandbox[64];

/* "SANDBOX/name"; good for the next three calls. */
static inline const char *
in_sandbox(const char *name)
{
	static char paths[4][512];
	static int turn;

	turn = (turn + 1) % 4;
	snprintf(paths[turn], sizeof(paths[turn]), "%s/%s", sandbox, name);
	return paths[turn];
}

static inline void
put_file(const char *name, const char *text)
{
	FILE *f = fopen(in_sandbox(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static inline void
put_dir(const char *name)
{
	assert_int_equal(mkdir(in_sandbox(name), 0755), 0);
}

static inline void
put_link(const char *name, const char *target)
{
	assert_int_equal(symlink(target, in_sandbox(name)), 0);
}

/* For the largest file of any test, should the memory of a sparse one be taken after all.
 */
static inline bool
has_room(const char *folder)
{
	struct statvfs fs;

	return access(folder, W_OK) == 0 && statvfs(folder, &fs) == 0 &&
	       (uint64_t)fs.f_bavail * fs.f_frsize >= 256u << 20;
}

/* In memory, if it can be: a disk that is slow to sync fails the store's tests. */
static inline int
make_sandbox(void **state)
{
	snprintf(sandbox, sizeof(sandbox), "%s/pixie-unit-XXXXXX",
		has_room("/dev/shm") ? "/dev/shm" : "/tmp");
	return mkdtemp(sandbox) == NULL ? -1 : 0;
}

static inline int
remove_sandbox(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", sandbox);
	return system(command);
}

#endif
