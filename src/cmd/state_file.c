#include "cmd/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cmd/fail.h"

/* Whether the real directory `inner` is `outer` or lies below it. */
static bool
is_below(const char *inner, const char *outer)
{
	char real[PATH_MAX];
	size_t n;

	if (outer == NULL || realpath(outer, real) == NULL)
		return false;
	n = strlen(real);
	return strncmp(inner, real, n) == 0 &&
	       (inner[n] == '\0' || inner[n] == '/' || real[n - 1] == '/');
}

/* Whether anybody could fetch it: it lies in a served directory, under another name
 * than those that are never served. */
static bool
is_served(const char *path, const struct site *site)
{
	char folder[PATH_MAX], name[PATH_MAX], real[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", path);
	snprintf(name, sizeof(name), "%s", path);
	if (strncmp(basename(name), ".pixie", 6) == 0)
		return false;
	if (realpath(dirname(folder), real) == NULL)
		return false;
	return is_below(real, site->scripts) || is_below(real, site->extra) ||
	       is_below(real, site->roms);
}

static bool
is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/*
 * Why there can never be such a file, else NULL. Whether it can be written is not asked:
 * that may be mended while machines boot.
 */
static const char *
impossible(const char *path)
{
	char folder[PATH_MAX];
	size_t n = strlen(path);
	struct stat st;

	if (n > 0 && path[n - 1] == '/')
		return "is the name of a directory; name a file in it";
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return "is a directory; name a file in it";
	if (stat(path, &st) == 0)
		return S_ISREG(st.st_mode) ? NULL : "is no file";
	if (errno != ENOENT && errno != EACCES)
		return strerror(errno);
	strcpy(folder, path);
	if (stat(dirname(folder), &st) < 0 && errno != EACCES)
		return "there is no such folder; make it (mkdir -p) or name another";
	return NULL;
}

/*
 * SQLite's WAL wants all its users on one host; a directory of scripts that two
 * servers share by NFS would have one on each.
 */
static bool
is_network(const char *folder)
{
	static const unsigned long types[] = {
		0x6969,                         /* NFS */
		0xff534d42, 0xfe534d42, 0x517b, /* CIFS, SMB2, SMB */
		0x01021997,                     /* 9P */
		0x00c36400,                     /* Ceph */
		0x01161970,                     /* GFS2 */
		0x7461636f,                     /* OCFS2 */
	};
	struct statfs fs;

	if (statfs(folder, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if ((unsigned long)fs.f_type == types[i])
			return true;
	return false;
}

/*
 * What exists is used, writable or not: its states count, and that it cannot be
 * written is reported. Otherwise beside the scripts; else in a place of our own.
 */
static bool
choose_default(const struct site *site, char path[static PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/%s", site->scripts, STATE_FILE_NAME) <
			PATH_MAX &&
		(is_there(path) ||
			(access(site->scripts, W_OK) == 0 && !is_network(site->scripts))))
		return true;
	snprintf(path, PATH_MAX, "%s/%s", STATE_FOLDER, STATE_FILE_NAME);
	if (is_there(path))
		return true;
	mkdir(STATE_FOLDER, 0700);
	return access(STATE_FOLDER, W_OK) == 0;
}

static int
check_possible(const char *path)
{
	const char *why = impossible(path);

	return why ? fail(EX_CANTCREAT, "--state %s: %s", path, why) : EX_OK;
}

int
state_file_choose(const char *option, const struct site *site, char path[static PATH_MAX],
	bool *fell_back)
{
	*fell_back = false;
	if (strlen(option) >= PATH_MAX - 64)
		return fail(EX_USAGE, "--state: the name is too long");
	if (strcmp(option, ":memory:") ==
		0) /* SQLite would not make a file of that name */
		return fail(
			EX_USAGE, "--state :memory: is no file; --state none is meant");
	if (*option != '\0') {
		strcpy(path, option);
		if (strcmp(option, "none") != 0 && is_served(option, site))
			return fail(EX_USAGE,
				"--state %s: lies in a directory that pixie serves, so "
				"anybody could fetch it; name it " STATE_FILE_NAME
				", or put it elsewhere",
				option);
		return strcmp(option, "none") == 0 ? EX_OK : check_possible(option);
	}
	if (!choose_default(site, path)) {
		strcpy(path, "none");
		*fell_back = true;
	}
	return EX_OK;
}

/* A file beside the database: SQLite's own locks go when any descriptor of its file does.
 */
bool
state_file_lock(const char *path)
{
	char name[PATH_MAX + 8];
	int fd;

	snprintf(name, sizeof(name), "%s-lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return true;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return true; /* the descriptor stays open as long as we live */
	close(fd);
	return false;
}
