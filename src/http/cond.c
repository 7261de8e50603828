#include "http/cond.h"

#include <string.h>

#include "http/httpdate.h"
#include "http/range.h"

/* Takes one element off a comma list; quoted tags may hold commas. */
static struct span
next_tag(struct span *list)
{
	struct span tag;
	bool quoted = false;
	size_t n = 0;

	while (list->len > 0 && strchr(" \t,", list->p[0]) != NULL) {
		list->p++;
		list->len--;
	}
	tag = *list;
	for (; n < list->len && (quoted || list->p[n] != ','); n++)
		quoted ^= list->p[n] == '"';
	tag.len = n;
	list->p += n;
	list->len -= n;
	while (tag.len > 0 && (tag.p[tag.len - 1] == ' ' || tag.p[tag.len - 1] == '\t'))
		tag.len--;
	return tag;
}

/* Our tags are all strong; a weak one equals only in weak comparison, §8.8.3.2. */
static bool
tag_equal(struct span tag, const char *etag, bool weak)
{
	if (weak && tag.len > 2 && memcmp(tag.p, "W/", 2) == 0) {
		tag.p += 2;
		tag.len -= 2;
	}
	return etag != NULL && tag.len == strlen(etag) &&
	       memcmp(tag.p, etag, tag.len) == 0;
}

static bool
list_has(struct span list, const char *etag, bool weak)
{
	if (list.len == 1 && list.p[0] == '*')
		return true; /* there is a representation: we hold it */
	while (list.len > 0)
		if (tag_equal(next_tag(&list), etag, weak))
			return true;
	return false;
}

/* Compares with a date field; false too when it is no date, which is then ignored. */
static bool
date_given(struct span field, time_t now, time_t *out)
{
	return field.p != NULL && http_date_parse(field.p, field.len, now, out);
}

/*
 * §13.1.1, §13.1.4. EDK2 resumes a broken download with Range and If-Match, or
 * If-Unmodified-Since where it saw no ETag.
 */
static bool
precondition_failed(const struct request *req, const struct validators *v, time_t now)
{
	time_t t;

	if (req->if_match.p != NULL)
		return !list_has(req->if_match, v->etag, false);
	return date_given(req->if_unmodified_since, now, &t) && v->mtime != 0 &&
	       v->mtime > t;
}

/* §13.1.2, §13.1.3 */
static bool
not_modified(const struct request *req, const struct validators *v, time_t now)
{
	time_t t;

	if (req->if_none_match.p != NULL)
		return list_has(req->if_none_match, v->etag, true);
	return date_given(req->if_modified_since, now, &t) && v->mtime != 0 &&
	       v->mtime <= t;
}

/*
 * §13.1.5: a part only of the very representation the client has the rest of. A
 * date says so when it is exactly ours and the second it names is over: within
 * it the file may have changed twice (§8.8.2.2).
 */
static bool
range_applies(const struct request *req, const struct validators *v, time_t now)
{
	time_t t;

	if (req->method != METHOD_GET || req->range.p == NULL)
		return false; /* §14.2: Range means nothing on HEAD */
	if (req->if_range.p == NULL)
		return true;
	if (date_given(req->if_range, now, &t))
		return v->mtime != 0 && t == v->mtime && t < now;
	return tag_equal(req->if_range, v->etag, false);
}

struct selection
select_part(const struct request *req, const struct validators *v, time_t now)
{
	struct selection all = {200, 0, v->size}, part = {206, 0, 0};

	if (precondition_failed(req, v, now))
		return (struct selection){412, 0, 0};
	if (not_modified(req, v, now))
		return (struct selection){304, 0, 0};
	if (!range_applies(req, v, now))
		return all;
	switch (range_parse(
		req->range.p, req->range.len, v->size, &part.off, &part.len)) {
	case RANGE_PART:
		return part;
	case RANGE_UNSATISFIABLE:
		return (struct selection){416, 0, 0};
	case RANGE_IGNORED:
		break;
	}
	return all;
}

time_t
representation_mtime(time_t mtime, time_t now)
{
	return mtime <= now ? mtime : 0;
}
