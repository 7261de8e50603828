#include "cmd/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "cmd/fail.h"

#define RANDOM_BYTES 32

static int
trouble(const char *path, int error)
{
	return fail(error == EACCES || error == EPERM || error == EROFS ? EX_NOPERM
									: EX_NOINPUT,
		"--admin-token %s: %s", path, strerror(error));
}

/* 64 hex digits; false when the kernel has no random numbers. */
static bool
make(char token[static TOKEN_TEXT])
{
	unsigned char bytes[RANDOM_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	hex_text(token, bytes, sizeof(bytes));
	return true;
}

/* A file that was not written whole must not be taken for a token at the next start. */
static int
write_new(const char *path, int fd, const char *token)
{
	size_t len = strlen(token);
	bool ok = write(fd, token, len) == (ssize_t)len && write(fd, "\n", 1) == 1 &&
		  fsync(fd) == 0;
	int error = errno;

	close(fd);
	if (ok)
		return EX_OK;
	unlink(path);
	return trouble(path, error);
}

static int
create(const char *path, char token[static TOKEN_TEXT])
{
	int fd, status;

	if (!make(token))
		return fail(EX_OSERR, "--admin-token: no random numbers");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return trouble(path, errno);
	status = write_new(path, fd, token);
	if (status == EX_OK) {
		printf("The admin's token, made now and kept in %s: %s\n", path, token);
		fflush(stdout);
	}
	return status;
}

/* Whoever else may read it could change things, and whoever may write it decide who. */
static int
check_rights(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return trouble(path, errno);
	if (!S_ISREG(st.st_mode))
		return fail(EX_NOINPUT, "--admin-token %s: not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fail(EX_NOPERM,
			"--admin-token %s: belongs to user %u; give it to the user pixie "
			"runs as (chown)",
			path, (unsigned)st.st_uid);
	if (st.st_mode & 077)
		return fail(EX_NOPERM,
			"--admin-token %s: others may read or write it (mode %04o); "
			"chmod 600 it, and make a new token if somebody did",
			path, (unsigned)st.st_mode & 07777);
	return EX_OK;
}

/* One line of visible characters. */
static int
check_text(const char *path, char token[static TOKEN_TEXT], size_t len)
{
	while (len > 0 && (token[len - 1] == '\n' || token[len - 1] == '\r' ||
				  token[len - 1] == ' '))
		len--;
	token[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if (token[i] <= ' ' || token[i] > '~')
			return fail(EX_CONFIG,
				"--admin-token %s: holds more than one word of ASCII",
				path);
	if (len < TOKEN_MIN)
		return fail(EX_CONFIG,
			"--admin-token %s: a token has at least %d characters; remove "
			"the file, and pixie makes a good one",
			path, TOKEN_MIN);
	return EX_OK;
}

int
token_read(const char *path, char token[static TOKEN_TEXT])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return create(path, token);
	if (fd < 0)
		return trouble(path, errno);
	status = check_rights(path, fd);
	n = status == EX_OK ? read(fd, token, TOKEN_TEXT) : 0;
	if (n < 0)
		status = trouble(path, errno);
	else if (n == TOKEN_TEXT)
		status = fail(EX_CONFIG, "--admin-token %s: longer than %d characters",
			path, TOKEN_TEXT - 1);
	close(fd);
	return status == EX_OK ? check_text(path, token, (size_t)n) : status;
}
