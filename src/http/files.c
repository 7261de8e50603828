/* Everything that resolve() knows: ROMs, scripts, extra files, and directories. */
#define _GNU_SOURCE /* memmem() */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "http/listing.h"
#include "http/route.h"
#include "http/tell.h"

/*
 * A person may look at a machine's script without using its `once` up: every browser
 * says Mozilla, and no boot firmware or installer does.
 */
static enum purpose
purpose_of(const struct request *req)
{
	static const char browser[] = "Mozilla/";
	struct span agent = req->user_agent;

	if (agent.p != NULL && memmem(agent.p, agent.len, browser, strlen(browser)))
		return FOR_READING;
	return req->method == METHOD_HEAD ? FOR_PROBE : FOR_BOOT;
}

static void
look_up(const struct visit *v, const char *name, size_t len, struct resolution *res)
{
	struct asked asked = {.name = name,
		.len = len,
		.query = v->req->query.p,
		.reached = v->reached,
		.over_http = true,
		.purpose = purpose_of(v->req),
		.who = v->who,
		.peer = v->peer};

	resolve(v->site, &asked, res);
}

/*
 * A document in the extra directory is not pixie's page: in an origin of its own its
 * scripts cannot read the admin's token out of the page's storage, nor call the API as
 * it.
 */
static const char *
fields_of(const struct content *c)
{
	static const char *const documents[] = {"text/html", "image/svg", "text/xml"};
	const char *type = content_type(c);

	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++)
		if (strncmp(type, documents[i], strlen(documents[i])) == 0)
			return "Content-Security-Policy: sandbox allow-scripts "
			       "allow-forms allow-popups allow-downloads\r\n";
	return NULL;
}

static void
answer_content(const struct visit *v, struct resolution *res, struct reply *r)
{
	memcpy(r->served, res->note, sizeof(r->served));
	r->served[sizeof(r->served) - 1] = '\0';
	r->fields = fields_of(res->content);
	reply_content(r, v->req, res->content, v->now);
	res->content = NULL;
}

/*
 * As Go's FileServer: index.html stands for the directory it lies in. A note
 * says that something else (default.ipxe) was found in its place: not that.
 */
static bool
answer_index(const struct visit *v, const struct resolution *dir, struct reply *r)
{
	char name[NAME_MAX_BYTES + sizeof("/index.html")];
	struct resolution res;
	bool found;

	if (faccessat(dir->dir, "index.html", F_OK, 0) != 0)
		return false;
	strcpy(name, dir->name);
	strcat(name, "/index.html");
	look_up(v, name, strlen(name), &res);
	found = res.kind == RESOLVED_CONTENT && res.note[0] == '\0';
	if (found)
		answer_content(v, &res, r);
	resolution_done(&res);
	return found;
}

/* The last part of a canonical name, as what links lead through when no slash ended it.
 */
static void
link_base(const struct visit *v, const char *name, char *base, size_t cap)
{
	const char *last = strrchr(name, '/');
	size_t n;

	base[0] = '\0';
	if (v->req->path.p[v->req->path.len - 1] == '/')
		return;
	last = last ? last + 1 : name;
	n = strlen(last);
	if (n > cap - 2)
		n = cap - 2;
	memcpy(base, last, n);
	strcpy(base + n, "/");
}

static void
answer_directory(const struct visit *v, struct resolution *res, struct reply *r)
{
	char base[256 + 2];
	struct content *html;

	if (answer_index(v, res, r))
		return;
	link_base(v, res->name, base, sizeof(base));
	html = listing_make(res->dir, base);
	res->dir = -1;
	if (html == NULL)
		reply_text(r, 500, "The directory cannot be read.");
	else
		reply_content(r, v->req, html, v->now);
}

static int
status_of(enum resolved kind)
{
	switch (kind) {
	case RESOLVED_NOT_FOUND:
		return 404;
	case RESOLVED_DENIED:
		return 403;
	case RESOLVED_BAD_NAME:
		return 400;
	case RESOLVED_BUSY:
		return 503;
	default:
		return 500;
	}
}

void
files_answer(const struct visit *v, struct reply *r)
{
	struct resolution res;
	bool is_machine = http_is_machine(v->req);

	if (is_machine)
		http_tell_asked(v, v->req->path.p);
	look_up(v, v->req->path.p, v->req->path.len, &res);
	r->is_told = is_machine && res.kind != RESOLVED_DIRECTORY;
	if (res.kind == RESOLVED_CONTENT)
		answer_content(v, &res, r);
	else if (res.kind == RESOLVED_DIRECTORY)
		answer_directory(v, &res, r);
	else
		reply_text(r, status_of(res.kind), "%s", res.note);
	if (res.kind == RESOLVED_BUSY)
		r->retry_after = 5; /* iPXE waits and asks again */
	resolution_done(&res);
}
