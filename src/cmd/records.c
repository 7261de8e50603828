#include "cmd/records.h"

#include <string.h>

#include "base/log.h"
#include "boot/secret.h"
#include "cmd/fail.h"
#include "cmd/state_file.h"

int
records_choose(struct records *r, const struct conf *c, const struct site *site)
{
	return state_file_choose(c->state, site, r->file, &r->fell_back);
}

void
records_tick(struct records *r)
{
	if (r->registry != NULL)
		registry_tick(r->registry);
}

/* The file that was asked for, or one that nobody else has; false: somebody has it. */
static bool
take_file(struct records *r, const struct conf *c)
{
	r->why = "neither the script directory nor " STATE_FOLDER
		 " can be written: states that are set and history last until "
		 "pixie ends (--state FILE)";
	if (strcmp(r->file, "none") != 0 && !state_file_lock(r->file)) {
		if (*c->state != '\0')
			return false;
		r->why = "another pixie has the database of these scripts: states that "
			 "are set and history last until pixie ends (--state FILE)";
		strcpy(r->file, "none");
		r->fell_back = true;
	}
	if (r->fell_back)
		log_warning(NULL, "store-none", STR("why", r->why));
	return true;
}

int
records_open(struct records *r, const struct conf *c, struct site *site)
{
	if (c->no_timeline)
		return EX_OK;
	if (!take_file(r, c))
		return fail(EX_UNAVAILABLE,
			"--state %s: another pixie has it; give each a file of its own, "
			"or "
			"none",
			r->file);
	if (strcmp(r->file, "none") != 0)
		secret_keep_database(r->file);
	r->registry = registry_new(&(struct registry_config){0});
	if (r->registry == NULL)
		return fail(EX_OSERR, "the registry of machines: out of memory");
	r->store = store_open(r->file, r->registry);
	if (r->store == NULL)
		return fail(EX_OSERR, "--state: out of memory or threads");
	if (r->fell_back)
		store_has_no_place(r->store, r->why);
	site->registry = r->registry;
	site->store = r->store;
	return EX_OK;
}

bool
records_close(struct records *r)
{
	records_tick(r); /* the verdicts of what has just ended */
	if (!store_close(r->store))
		return false;
	registry_free(r->registry);
	return true;
}
