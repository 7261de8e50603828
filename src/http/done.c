/*
 * /done/TOKEN: an installer says that the machine is done, with the address that
 * ${pixie-done} in its script stood for. What installers have to call with is wget or
 * curl, by GET or POST; a body is not looked at.
 */
#include <string.h>

#include "http/route.h"
#include "machine/registry.h"

void
done_answer(const struct visit *v, struct reply *r)
{
	struct span path = v->req->path;
	size_t skip = strlen("/done/");

	if (registry_done(v->site->registry, path.p + skip, path.len - skip))
		reply_text(r, 200, "ok");
	else
		reply_text(r, 404,
			"No machine's present boot has this token: it was started again "
			"since, or the address was not copied whole.");
}
