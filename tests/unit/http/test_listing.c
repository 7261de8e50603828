/* Listings byte for byte as the original's, and the routes that lead to them. */
#define _GNU_SOURCE
#include "boot/sandbox.h"

#include "http/listing.h"
#include "http/route.h"

static void
hrefs_are_those_of_go(void **state)
{
	/* url.URL{Path: name}.String() of Go 1.22 */
	static const struct {
		const char *name, *href;
	} table[] = {
		{"plain.ipxe", "plain.ipxe"},
		{"00-11-22.ipxe", "00-11-22.ipxe"},
		{"dir/", "dir/"},
		{"a b", "a%20b"},
		{"a?b", "a%3Fb"},
		{"a#b", "a%23b"},
		{"a%b", "a%25b"},
		{"a:b", "./a:b"},
		{"dir:x/", "./dir:x/"},
		{"a/b:c", "a/b:c"},
		{"$&+,;=@-_.~", "$&+,;=@-_.~"},
		{"a'b\"c", "a%27b%22c"},
		{"(x)!*", "%28x%29%21%2A"},
		{"[v6]", "%5Bv6%5D"},
		{"<b>", "%3Cb%3E"},
		{"caf\xc3\xa9", "caf%C3%A9"},
		{"\x01\x7f\\", "%01%7F%5C"},
		{"*", "*"},
	};

	for (size_t i = 0; i < COUNT(table); i++) {
		char buf[256] = {0};

		print_message("# %s\n", table[i].name);
		listing_href(buf, sizeof(buf), table[i].name);
		assert_string_equal(buf, table[i].href);
	}
}

/* All of a content as a string; drops it. */
static char *
text_of(struct content *c)
{
	char *text = calloc(1, content_size(c) + 1);

	assert_int_equal(content_read(c, 0, text, content_size(c)), 0);
	content_unref(c);
	return text;
}

#define TOP                                                                              \
	"<!doctype html>\n<meta name=\"viewport\" "                                      \
	"content=\"width=device-width\">\n<pre>\n"

static struct content *
list(const char *dir, const char *base)
{
	return listing_make(open(in_sandbox(dir), O_RDONLY | O_DIRECTORY), base);
}

static void
a_directory(void **state)
{
	struct content *c;
	char *html;

	put_dir("d");
	put_dir("d/sub");
	put_file("d/B", "");
	put_file("d/a<&>'\".txt", "");
	put_file("d/.hidden", "");
	put_link("d/link", "sub");
	put_link("d/broken", "nowhere");
	c = list("d", "");
	assert_string_equal(content_type(c), "text/html; charset=utf-8");
	html = text_of(c);
	assert_string_equal(html,
		TOP "<a href=\".hidden\">.hidden</a>\n"
		    "<a href=\"B\">B</a>\n"
		    "<a href=\"a%3C&%3E%27%22.txt\">a&lt;&amp;&gt;&#39;&#34;.txt</a>\n"
		    "<a href=\"broken\">broken</a>\n"
		    "<a href=\"link\">link</a>\n"
		    "<a href=\"sub/\">sub/</a>\n"
		    "</pre>\n");
	free(html);
}

static void
an_empty_directory(void **state)
{
	char *html;

	put_dir("none");
	html = text_of(list("none", ""));
	assert_string_equal(html, TOP "</pre>\n");
	free(html);
}

static void
a_crowded_directory_is_bounded(void **state)
{
	char name[320], *html;
	unsigned shown = 0;

	put_dir("many");
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "many/%0250d", i);
		put_file(name, "");
	}
	html = text_of(list("many", ""));
	for (char *p = html; (p = strstr(p, "<a ")) != NULL; p++)
		shown++;
	assert_int_equal(shown, 1024 * 1024 / 251);
	snprintf(name, sizeof(name), "and %u more\n</pre>\n", 5000 - shown);
	assert_string_equal(strstr(html, "and "), name);
	free(html);
}

/* What a GET of `path` is answered. */
static struct reply
get(const char *path, enum method method)
{
	static struct site site;
	struct request req = {
		.method = method, .path = {path, strlen(path)}, .query = {"", 0}};
	struct visit v = {.site = &site, .req = &req, .now = 2000000000};
	struct reply r = {0};

	site.scripts = in_sandbox("site");
	netaddr_parse_host("192.0.2.1", &v.reached);
	netaddr_set_port(&v.reached, 80);
	route_answer(&v, &r);
	return r;
}

static void
routes(void **state)
{
	static const struct {
		const char *path;
		enum method method;
		int status;
		const char *has; /* in the body */
	} table[] = {
		{"/", METHOD_GET, 404, "/chain.ipxe"},
		{"/ipxe/", METHOD_GET, 200, "\"x.ipxe\""},
		{"/ipxe", METHOD_GET, 200, "\"ipxe/x.ipxe\""},
		{"//ipxe//", METHOD_GET, 200, "\"x.ipxe\""},
		{"/ipxe/web", METHOD_GET, 200, "the index"},
		{"/ipxe/web/", METHOD_GET, 200, "the index"},
		{"/ipxe/web/index.html", METHOD_GET, 200, "the index"},
		{"/ipxe/deep/er", METHOD_GET, 200, "\"er/f\""},
		{"/ipxe/deep/er/", METHOD_GET, 200, "\"f\""},
		{"/ipxe/link/er/f", METHOD_GET, 200, "deep file"},
		{"/ipxe/x.ipxe", METHOD_GET, 200, "#!ipxe"},
		{"/ipxe/x.ipxe", METHOD_HEAD, 200, "#!ipxe"},
		{"/chain.ipxe", METHOD_GET, 200, "http://192.0.2.1:80/ipxe/"},
		{"/ipxe/none", METHOD_GET, 404, ""},
		{"/ipxe/../x", METHOD_GET, 400, ".."},
		{"/extra/", METHOD_GET, 404, "-e"},
		{"/ipxe/x.ipxe", METHOD_POST, 405, "POST"},
		{"/", METHOD_DELETE, 405, "DELETE"},
		{"*", METHOD_OPTIONS, 405, "OPTIONS"},
	};

	put_dir("site");
	put_dir("site/web");
	put_dir("site/deep");
	put_dir("site/deep/er");
	put_link("site/link", "deep");
	put_file("site/x.ipxe", "#!ipxe\n");
	put_file("site/default.ipxe", "#!ipxe\n");
	put_file("site/web/index.html", "the index");
	put_file("site/deep/er/f", "deep file");
	for (size_t i = 0; i < COUNT(table); i++) {
		struct reply r = get(table[i].path, table[i].method);
		char *text;

		print_message("# %s\n", table[i].path);
		assert_int_equal(r.status, table[i].status);
		assert_int_equal(r.allow != NULL, r.status == 405);
		text = r.content ? text_of(r.content) : strdup(r.text);
		assert_non_null(strstr(text, table[i].has));
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hrefs_are_those_of_go),
		cmocka_unit_test(a_directory),
		cmocka_unit_test(an_empty_directory),
		cmocka_unit_test(a_crowded_directory_is_bounded),
		cmocka_unit_test(routes),
	};

	return cmocka_run_group_tests_name(
		"http listing", tests, make_sandbox, remove_sandbox);
}
