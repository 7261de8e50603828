/* The page: who gets it, and what goes with it. */
#define _GNU_SOURCE
#include "boot/sandbox.h"

#include "assets/asset.h"
#include "http/route.h"

static struct request
ask(const char *path, enum method method, bool browser, const char *agent)
{
	return (struct request){.method = method,
		.path = {path, strlen(path)},
		.query = {"", 0},
		.browser = browser,
		.user_agent = {agent, agent ? strlen(agent) : 0}};
}

static struct reply
answer(const struct request *req)
{
	static struct site site;
	struct visit v = {.site = &site, .req = req, .now = 2000000000};
	struct reply r = {0};

	site.scripts = in_sandbox("");
	site.extra = in_sandbox("");
	route_answer(&v, &r);
	return r;
}

/* The head as it is sent; good until the next call. */
static const char *
head_of(const struct reply *r, const struct request *req)
{
	static char text[REPLY_HEAD_MAX];
	struct writer w = writer_of(text, sizeof(text) - 1);

	reply_head(&w, r, req, "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_false(w.bad);
	text[w.len] = '\0';
	return text;
}

static void
who_gets_the_page(void **state)
{
	static const struct {
		bool browser;
		const char *agent;
		int status;
	} table[] = {
		{true, "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0", 200},
		{true, NULL, 200},
		{false, "curl/7.88.1", 404},
		{false, NULL, 404},
		{false, "iPXE/1.21.1+git-20220113", 404},
		{true, "iPXE/2.0.0", 404},
		{false, "UefiHttpBoot/1.0", 404},
		{true, "UefiHttpBoot/1.0", 404},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		struct request req =
			ask("/", METHOD_GET, table[i].browser, table[i].agent);
		struct reply r = answer(&req);

		print_message("# %zu %s\n", i, table[i].agent);
		assert_int_equal(r.status, table[i].status);
		assert_non_null(
			strstr(head_of(&r, &req), "\r\nVary: Accept, User-Agent\r\n"));
		if (r.status == 404)
			assert_non_null(strstr(r.text, "/chain.ipxe"));
		else
			assert_string_equal(
				content_type(r.content), "text/html; charset=utf-8");
		reply_done(&r);
	}
}

static void
its_files(void **state)
{
	static const struct {
		const char *path, *type;
	} table[] = {
		{"/page/index.html", "text/html; charset=utf-8"},
		{"/page/style.css", "text/css; charset=utf-8"},
		{"/page/app.js", "text/javascript; charset=utf-8"},
		{"/page/icon.svg", "image/svg+xml"},
	};

	for (size_t i = 0; i < COUNT(table); i++)
		for (enum method m = METHOD_GET; m <= METHOD_HEAD; m++) {
			struct request req = ask(table[i].path, m, false, NULL);
			struct reply r = answer(&req);
			const struct asset *a = asset_find(table[i].path + 1);

			assert_int_equal(r.status, 200);
			assert_string_equal(content_type(r.content), table[i].type);
			assert_int_equal(reply_body_len(&r), a->len);
			reply_done(&r);
		}
}

/* Each of them by its tag, so that a new pixie brings a new page. */
static void
a_file_that_is_still_the_same(void **state)
{
	struct request req = ask("/page/app.js", METHOD_GET, false, NULL);
	struct reply r = answer(&req);
	char tag[ETAG_TEXT];

	snprintf(tag, sizeof(tag), "%s", content_etag(r.content));
	reply_done(&r);
	req.if_none_match = (struct span){tag, strlen(tag)};
	r = answer(&req);
	assert_int_equal(r.status, 304);
	assert_non_null(strstr(head_of(&r, &req), "\r\nCache-Control: no-cache\r\n"));
	reply_done(&r);
}

static void
nothing_but_ours_runs_in_it(void **state)
{
	struct request req = ask("/", METHOD_GET, true, NULL);
	struct reply r = answer(&req);
	const char *head = head_of(&r, &req);
	const char *policy = strstr(head, "\r\nContent-Security-Policy: ");

	assert_non_null(policy);
	assert_non_null(strstr(
		policy, "default-src 'none'; script-src 'self'; style-src 'self'"));
	assert_non_null(strstr(policy, "frame-ancestors 'none'"));
	assert_null(strstr(policy, "unsafe"));
	assert_null(strstr(policy, "http"));
	assert_non_null(strstr(head, "\r\nX-Content-Type-Options: nosniff\r\n"));
	assert_non_null(strstr(head, "\r\nReferrer-Policy: no-referrer\r\n"));
	reply_done(&r);
}

static void
an_admins_folder_of_that_name_is_served(void **state)
{
	struct request req = ask("/page/mine.txt", METHOD_GET, false, NULL);
	struct reply r = answer(&req);

	assert_int_equal(r.status, 404);
	reply_done(&r);
	put_dir("page");
	put_file("page/mine.txt", "mine");
	r = answer(&req);
	assert_int_equal(r.status, 200);
	assert_null(r.fields);
	reply_done(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_gets_the_page),
		cmocka_unit_test(its_files),
		cmocka_unit_test(a_file_that_is_still_the_same),
		cmocka_unit_test(nothing_but_ours_runs_in_it),
		cmocka_unit_test(an_admins_folder_of_that_name_is_served),
	};

	return cmocka_run_group_tests_name(
		"http page", tests, make_sandbox, remove_sandbox);
}
