/*
 * /done/TOKEN: an installer says that the machine is done, with the address that
 * ${pixie-done} in its script stood for. What installers have to call with is wget or
 * curl, by GET or POST; a body is not looked at. "ok" means that it is on the disk.
 */
#include <stdlib.h>
#include <string.h>

#include "http/later.h"
#include "http/route.h"
#include "machine/registry.h"
#include "store/store.h"

/* Waits for the store. */
struct done {
	struct later later;
	bool is_durable;
};

static void
fill(struct later *later, struct reply *r)
{
	const struct done *d = (const struct done *)later;

	if (d->is_durable)
		reply_text(r, 200, "ok");
	else
		reply_text(r, 202, "ok, but not on the disk yet: see pixie's log");
}

static void
forget(struct later *later)
{
	free(later);
}

/* In the store's thread. */
static void
on_durable(void *arg, bool ok)
{
	struct done *d = arg;

	d->is_durable = ok;
	later_ready(&d->later);
}

static void
answer_later(const struct visit *v, struct reply *r)
{
	struct done *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		reply_text(r, 202, "ok, but not on the disk yet");
		return;
	}
	later_init(&d->later, v->loop, fill, forget);
	r->later = &d->later;
	store_when_durable(
		v->site->store, registry_generation(v->site->registry), on_durable, d);
}

void
done_answer(const struct visit *v, struct reply *r)
{
	struct span path = v->req->path;
	size_t skip = strlen("/done/");

	if (!registry_done(v->site->registry, path.p + skip, path.len - skip))
		reply_text(r, 404,
			"No machine's present boot has this token: it was started again "
			"since, or the address was not copied whole.");
	else if (v->site->store == NULL)
		reply_text(r, 200, "ok");
	else
		answer_later(v, r);
}
