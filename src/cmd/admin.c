#include "cmd/admin.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "boot/secret.h"
#include "cmd/fail.h"

static void
say_missing(const char *path, const char *why)
{
	log_warning(NULL, "control-missing", STR("path", path), STR("why", why),
		STR("note", "'pixie status' will not find this server; give --control"));
}

static int
explain(const struct conf *c, const char *path, int error)
{
	const char *what = error == -EADDRINUSE ? "another pixie listens there"
			   : error == -EEXIST   ? "there is a file that is no socket"
						: strerror(-error);

	if (*c->control != '\0')
		return fail(error == -EADDRINUSE ? EX_UNAVAILABLE : EX_CANTCREAT,
			"--control %s: %s", path, what);
	/* Nobody asked for it: machines boot without. */
	say_missing(path, what);
	return EX_OK;
}

/* Whether the file at `path`, there or not, lies in `dir` or below it. */
static bool
lies_in(const char *path, const char *dir)
{
	char copy[PATH_MAX], at[PATH_MAX], of[PATH_MAX];
	size_t n;

	if (dir == NULL || strlen(path) >= sizeof(copy))
		return false;
	strcpy(copy, path);
	if (realpath(path, at) == NULL && realpath(dirname(copy), at) == NULL)
		return false; /* opening it will say what is wrong */
	if (realpath(dir, of) == NULL)
		return false;
	n = strlen(of);
	return strncmp(at, of, n) == 0 && (at[n] == '/' || at[n] == '\0');
}

/* What is served, everybody on the network may read. */
static int
read_token(struct admin *a, const char *path, const struct site *site)
{
	const char *const served[] = {site->scripts, site->extra, site->roms};

	for (size_t i = 0; i < sizeof(served) / sizeof(*served); i++)
		if (lies_in(path, served[i]))
			return fail(EX_CONFIG,
				"--admin-token %s: lies in %s, which is served to "
				"everybody; keep it elsewhere",
				path, served[i]);
	return token_read(path, a->token);
}

static int
open_control(struct admin *a, const struct conf *c)
{
	int error;

	if (strlen(c->control) >= CONTROL_PATH)
		return fail(EX_USAGE, "--control: a socket's path has at most %d bytes",
			CONTROL_PATH - 1);
	if (!control_place(c, a->control)) {
		a->control[0] = '\0';
		if (strcmp(c->control, "none") != 0)
			say_missing("-", "this user has no $XDG_RUNTIME_DIR");
		return EX_OK;
	}
	error = control_listen(a->control, &a->control_fd);
	if (error == 0) {
		log_info(NULL, "control-listening", STR("path", a->control));
		return EX_OK;
	}
	error = explain(c, a->control, error);
	a->control[0] = '\0';
	return error;
}

int
admin_start(struct admin *a, const struct conf *c, const struct site *site,
	struct store *store)
{
	int status = EX_OK;

	memset(a, 0, sizeof(*a));
	if (*c->admin_token != '\0')
		secret_keep_token(c->admin_token);
	if (site->registry == NULL) /* nothing is known, so there is nothing to ask */
		return EX_OK;
	if (*c->admin_token != '\0')
		status = read_token(a, c->admin_token, site);
	if (status == EX_OK)
		status = open_control(a, c);
	if (status != EX_OK)
		return status;
	a->api = api_new(&(struct api_options){
		.registry = site->registry,
		.store = store,
		.site = site,
		.version = PIXIE_VERSION,
		.token = a->token,
		.host_names = c->host_name,
	});
	return a->api ? EX_OK : fail(EX_OSERR, "API: out of memory or threads");
}

void
admin_stop(struct admin *a)
{
	api_stop(a->api);
	if (*a->control != '\0')
		unlink(a->control);
	a->control[0] = '\0';
}

void
admin_free(struct admin *a)
{
	api_free(a->api);
	a->api = NULL;
}
