#include "boot/secret.h"

#include <limits.h>
#include <stdio.h>

static const char *token, *database;

void
secret_keep_token(const char *path)
{
	token = path;
}

void
secret_keep_database(const char *path)
{
	database = path;
}

/* The file is made anew when it is lost, so nothing of it is remembered. */
static bool
is_at(const char *path, const char *suffix, const struct stat *st)
{
	char name[PATH_MAX];
	struct stat there;

	return snprintf(name, sizeof(name), "%s%s", path, suffix) < PATH_MAX &&
	       stat(name, &there) == 0 && there.st_ino == st->st_ino &&
	       there.st_dev == st->st_dev;
}

bool
secret_is(const struct stat *st)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	if (!S_ISREG(st->st_mode))
		return false;
	for (size_t i = 0; database && i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (is_at(database, suffixes[i], st))
			return true;
	return token && is_at(token, "", st);
}
