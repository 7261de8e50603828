#include "cmd/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SYSTEM_DIR "/run/pixie"
#define NAME "control.sock"
#define MODE 0660

static bool
join(char path[static CONTROL_PATH], const char *dir, const char *name)
{
	return snprintf(path, CONTROL_PATH, "%s/%s", dir, name) < CONTROL_PATH;
}

/* In the user's own run-time directory; false when there is none. */
static bool
user_path(char path[static CONTROL_PATH], const char *name)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	return dir != NULL && *dir == '/' && join(path, dir, name);
}

bool
control_place(const struct conf *c, char path[static CONTROL_PATH])
{
	const char *service = getenv("RUNTIME_DIRECTORY"); /* systemd.exec(5) */

	if (*c->control != '\0')
		return strcmp(c->control, "none") != 0 &&
		       snprintf(path, CONTROL_PATH, "%s", c->control) < CONTROL_PATH;
	if (service != NULL && *service == '/' && strchr(service, ':') == NULL)
		return join(path, service, NAME);
	if (geteuid() == 0) {
		mkdir("/run", 0755); /* a container may have none */
		mkdir(SYSTEM_DIR, 0755);
		return join(path, SYSTEM_DIR, NAME);
	}
	if (!user_path(path, "pixie"))
		return false;
	mkdir(path, 0700);
	return user_path(path, "pixie/" NAME);
}

static int
dial(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	return fd;
}

/* What a server that was killed left behind goes; what a living one has stays. */
static int
clear_way(const char *path)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = dial(path);
	if (fd >= 0)
		close(fd);
	if (fd != -ECONNREFUSED)
		return fd >= 0 || fd == -EAGAIN ? -EADDRINUSE : fd;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* The mode before the name appears: nobody gets in meanwhile. The umask takes from it. */
static int
open_at(const char *path, int fd)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	strcpy(at.sun_path, path);
	if (fchmod(fd, MODE) < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
		chmod(path, MODE) < 0 || listen(fd, 64) < 0)
		return -errno;
	return 0;
}

int
control_listen(const char *path, int *out)
{
	struct sockaddr_un at;
	int fd, error = clear_way(path);

	if (error == 0 && strlen(path) >= sizeof(at.sun_path))
		error = -ENAMETOOLONG;
	if (error < 0)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	error = open_at(path, fd);
	if (error < 0) {
		close(fd);
		return error;
	}
	*out = fd;
	return 0;
}

int
control_connect(const struct conf *c, char path[static CONTROL_PATH])
{
	int fd;

	if (*c->control != '\0') {
		snprintf(path, CONTROL_PATH, "%s", c->control);
		return dial(path);
	}
	if (geteuid() != 0 && user_path(path, "pixie/" NAME) && (fd = dial(path)) >= 0)
		return fd;
	join(path, SYSTEM_DIR, NAME);
	return dial(path);
}
