#define _GNU_SOURCE
#include "http/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

/* Names beyond this are counted and not shown: about 30,000 usual ones. */
#define NAMES_BYTES_MAX (1024 * 1024)

struct entry {
	size_t at; /* of the name in `names` */
	bool is_dir;
};

struct listing {
	char *names;
	size_t names_len, names_cap;
	struct entry *entries;
	size_t len, cap;
	size_t hidden; /* found and not shown */
};

/* Room for one more of `size` bytes in a growing array. */
static bool
grow(void **array, size_t *cap, size_t need, size_t size)
{
	size_t want = *cap ? *cap : 64;
	void *p;

	while (want < need)
		want *= 2;
	if (want == *cap)
		return true;
	p = reallocarray(*array, want, size);
	if (p == NULL)
		return false;
	*array = p;
	*cap = want;
	return true;
}

static bool
add(struct listing *l, const char *name, bool is_dir)
{
	size_t n = strlen(name) + 1;
	void *names = l->names, *entries = l->entries;

	if (l->names_len + n > NAMES_BYTES_MAX) {
		l->hidden++;
		return true;
	}
	if (!grow(&names, &l->names_cap, l->names_len + n, 1))
		return false;
	l->names = names;
	if (!grow(&entries, &l->cap, l->len + 1, sizeof(*l->entries)))
		return false;
	l->entries = entries;
	l->entries[l->len++] = (struct entry){l->names_len, is_dir};
	memcpy(l->names + l->names_len, name, n);
	l->names_len += n;
	return true;
}

/* As Go's DirEntry.IsDir: a symbolic link is not a directory, whatever it points to. */
static bool
entry_is_dir(DIR *d, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static bool
collect(struct listing *l, DIR *d)
{
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
			strncasecmp(e->d_name, ".pixie", 6) == 0) /* see resolve.h */
			continue;
		if (!add(l, e->d_name, entry_is_dir(d, e)))
			return false;
	}
	return true;
}

static int
by_name(const void *a, const void *b, void *names)
{
	const struct entry *x = a, *y = b;

	return strcmp((char *)names + x->at, (char *)names + y->at);
}

/* What Go leaves alone in a path, net/url shouldEscape(): all else becomes %XX. */
static bool
is_path_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') ||
	       (c != '\0' && strchr("-_.~$&+,/:;=@", c) != NULL);
}

size_t
listing_href(char *buf, size_t cap, const char *path)
{
	struct writer w = writer_of(buf, cap);

	if (strcmp(path, "*") == 0) { /* Go's special case, for OPTIONS */
		wr_str(&w, path);
		return w.len;
	}
	if (memchr(path, ':', strcspn(path, "/")) != NULL)
		wr_str(&w, "./"); /* RFC 3986 §4.2: else it would be a scheme */
	for (; *path != '\0'; path++) {
		if (is_path_char((unsigned char)*path))
			wr_u8(&w, (uint8_t)*path);
		else
			wr_fmt(&w, "%%%02X", (unsigned char)*path);
	}
	return w.bad ? 0 : w.len;
}

/* As Go's htmlReplacer. */
static void
put_html(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&#34;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			putc_unlocked(*text, out);
		}
}

static void
put_entry(FILE *out, const char *base, const char *name, bool is_dir)
{
	char path[2 * NAME_MAX + 3], href[3 * sizeof(path) + 4];
	const char *slash = is_dir ? "/" : "";

	snprintf(path, sizeof(path), "%.*s%s%s", NAME_MAX + 1, base, name, slash);
	fputs("<a href=\"", out);
	fwrite(href, 1, listing_href(href, sizeof(href), path), out);
	fputs("\">", out);
	put_html(out, name);
	fprintf(out, "%s</a>\n", slash);
}

static struct content *
render(const struct listing *l, const char *base)
{
	char *html = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&html, &len);
	bool ok;

	if (out == NULL)
		return NULL;
	fputs("<!doctype html>\n"
	      "<meta name=\"viewport\" content=\"width=device-width\">\n"
	      "<pre>\n",
		out);
	for (size_t i = 0; i < l->len; i++)
		put_entry(out, base, l->names + l->entries[i].at, l->entries[i].is_dir);
	if (l->hidden > 0)
		fprintf(out, "and %zu more\n", l->hidden);
	fputs("</pre>\n", out);
	ok = !ferror(out);
	if (fclose(out) != 0 || !ok) {
		free(html);
		return NULL;
	}
	return content_owned(html, len, "text/html; charset=utf-8");
}

struct content *
listing_make(int dir, const char *base)
{
	struct listing l = {0};
	struct content *html = NULL;
	DIR *d = fdopendir(dir);

	if (d == NULL) {
		close(dir);
		return NULL;
	}
	if (collect(&l, d)) {
		if (l.len > 0)
			qsort_r(l.entries, l.len, sizeof(*l.entries), by_name, l.names);
		html = render(&l, base);
	}
	closedir(d);
	free(l.names);
	free(l.entries);
	return html;
}
