#include "http/route.h"

#include <string.h>

enum {
	GET_HEAD = 1 << METHOD_GET | 1 << METHOD_HEAD,
	GET_POST = 1 << METHOD_GET | 1 << METHOD_POST,
	ANY = ~0, /* it looks at the method itself */
};

/* The first that fits answers. A new family is a new file and a line here. */
static const struct route {
	const char *path;
	bool below; /* whatever begins with `path`, too */
	int methods;
	const char *allow; /* the same, in words */
	void (*answer)(const struct visit *, struct reply *);
} routes[] = {
	{"/", false, GET_HEAD, "GET, HEAD", page_answer},
	{"/page/", true, GET_HEAD, "GET, HEAD", page_file_answer},
	{"/done/", true, GET_POST, "GET, POST", done_answer},
	{"/api/v1/", true, ANY, "", api_answer},
	{"/metrics", false, GET_HEAD, "GET, HEAD", metrics_answer},
	{"", true, GET_HEAD, "GET, HEAD", files_answer},
};

static bool
fits(const struct route *route, struct span path)
{
	size_t n = strlen(route->path);

	return path.len >= n && memcmp(path.p, route->path, n) == 0 &&
	       (route->below || path.len == n);
}

static const struct route *
route_of(struct span path)
{
	const struct route *route = routes;

	while (!fits(route, path))
		route++; /* the last one fits everything */
	return route;
}

void
route_answer(const struct visit *v, struct reply *r)
{
	const struct request *req = v->req;
	const struct route *route;

	if (req->bad != 0) {
		reply_text(r, req->bad, "%s", req->why);
		return;
	}
	route = route_of(req->path);
	if (route->methods & 1 << req->method) {
		route->answer(v, r);
		return;
	}
	reply_text(r, 405, "%s is not for this; %s are.", method_text(req->method),
		route->allow);
	r->allow = route->allow;
}
