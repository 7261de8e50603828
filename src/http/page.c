/*
 * The page at / and its files at /page/…, out of the executable. Browsers get it;
 * firmware and iPXE, which would run or show whatever they are given, get a line of
 * text that says where things are, as ever.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "assets/asset.h"
#include "http/route.h"

/*
 * Names, serial numbers and paths come from whoever is on the boot network, and the
 * page holds the admin's token: nothing runs that is not ours, nothing is sent
 * elsewhere, nobody frames it, and scripts cannot make markup of a string.
 * no-cache: a browser asks each time (304), so that it never mixes two versions.
 */
static const char page_fields[] =
	"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src "
	"'self'; "
	"img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types "
	"'none'\r\n"
	"X-Content-Type-Options: nosniff\r\n"
	"Referrer-Policy: no-referrer\r\n"
	"Cross-Origin-Resource-Policy: same-origin\r\n"
	"Cache-Control: no-cache\r\n"
	"Vary: Accept, User-Agent\r\n";

static void
embedded_answer(const struct visit *v, const struct asset *a, struct reply *r)
{
	struct content *c = content_static(
		a->data, a->len, content_type_of(a->name), a->sha256, asset_mtime());

	if (c == NULL) {
		reply_text(r, 503, "out of memory");
		return;
	}
	reply_content(r, v->req, c, v->now);
	r->fields = page_fields;
}

/* "iPXE/1.21.1+", "UefiHttpBoot/1.0": should one ever learn to say text/html. */
static bool
is_firmware(struct span agent)
{
	return agent.p != NULL && (memmem(agent.p, agent.len, "iPXE", 4) != NULL ||
					  memmem(agent.p, agent.len, "Uefi", 4) != NULL);
}

void
page_answer(const struct visit *v, struct reply *r)
{
	const struct asset *index = asset_find("page/index.html");

	if (index != NULL && v->req->browser && !is_firmware(v->req->user_agent)) {
		if (api_knows_host(v, r))
			embedded_answer(v, index, r);
		return;
	}
	reply_text(r, 404,
		"This is pixie, a network boot server. A browser gets a page here; "
		"machines fetch /chain.ipxe, scripts are at /ipxe/, files at "
		"/extra/%s.",
		v->api ? ", what machines did at /api/v1/machines (JSON), counters at "
			 "/metrics"
		       : "");
	r->fields = "Vary: Accept, User-Agent\r\n";
}

/* What is not the page's is a file like any other: an admin may have such a folder. */
void
page_file_answer(const struct visit *v, struct reply *r)
{
	const struct asset *a = asset_find(v->req->path.p + 1); /* without its slash */

	if (a == NULL)
		files_answer(v, r);
	else if (api_knows_host(v, r))
		embedded_answer(v, a, r);
}
