#include "cmd/admin.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/fail.h"

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
	log_warning(NULL, "control-missing", STR("path", path), STR("why", what),
		STR("note", "'pixie status' will not find this server; give --control"));
	return EX_OK;
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
	if (site->registry == NULL) /* nothing is known, so there is nothing to ask */
		return EX_OK;
	if (*c->admin_token != '\0')
		status = token_read(c->admin_token, a->token);
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
