#include "http/httpdate.h"

#include <stdint.h>
#include <string.h>

static const char day_names[7][10] = {
	"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char month_names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
	"Aug", "Sep", "Oct", "Nov", "Dec"};

static void
put_digits(char *at, int n, int v)
{
	while (n-- > 0) {
		at[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

const char *
http_date_format(time_t t, char buf[static HTTP_DATE_TEXT])
{
	struct tm tm = {0};

	gmtime_r(&t, &tm);
	memcpy(buf, "Ddd, 00 Mmm 0000 00:00:00 GMT", HTTP_DATE_TEXT);
	memcpy(buf, day_names[tm.tm_wday], 3);
	put_digits(buf + 5, 2, tm.tm_mday);
	memcpy(buf + 8, month_names[tm.tm_mon], 3);
	put_digits(buf + 12, 4, tm.tm_year + 1900);
	put_digits(buf + 17, 2, tm.tm_hour);
	put_digits(buf + 20, 2, tm.tm_min);
	put_digits(buf + 23, 2, tm.tm_sec);
	return buf;
}

/* A cursor that remembers failure, so that a whole form reads as one list. */
struct text {
	const char *p, *end;
	bool bad;
};

static void
expect(struct text *t, const char *literal)
{
	size_t n = strlen(literal);

	if (t->bad || (size_t)(t->end - t->p) < n || memcmp(t->p, literal, n) != 0) {
		t->bad = true;
		return;
	}
	t->p += n;
}

static int
digits(struct text *t, int n)
{
	int v = 0;

	if (t->bad || t->end - t->p < n) {
		t->bad = true;
		return 0;
	}
	for (; n > 0; n--, t->p++) {
		if (*t->p < '0' || *t->p > '9') {
			t->bad = true;
			return 0;
		}
		v = v * 10 + (*t->p - '0');
	}
	return v;
}

static int
month(struct text *t)
{
	for (int i = 0; i < 12 && !t->bad && t->end - t->p >= 3; i++)
		if (memcmp(t->p, month_names[i], 3) == 0) {
			t->p += 3;
			return i;
		}
	t->bad = true;
	return 0;
}

static void
clock_time(struct text *t, struct tm *tm)
{
	tm->tm_hour = digits(t, 2);
	expect(t, ":");
	tm->tm_min = digits(t, 2);
	expect(t, ":");
	tm->tm_sec = digits(t, 2);
}

/* "06 Nov 1994 08:49:37 GMT" */
static void
imf_fixdate(struct text *t, struct tm *tm)
{
	tm->tm_mday = digits(t, 2);
	expect(t, " ");
	tm->tm_mon = month(t);
	expect(t, " ");
	tm->tm_year = digits(t, 4) - 1900;
	expect(t, " ");
	clock_time(t, tm);
	expect(t, " GMT");
}

/* "06-Nov-94 08:49:37 GMT"; a year over 50 years ahead is the last one before. */
static void
rfc850_date(struct text *t, struct tm *tm, time_t now)
{
	struct tm today = {0};

	gmtime_r(&now, &today);
	tm->tm_mday = digits(t, 2);
	expect(t, "-");
	tm->tm_mon = month(t);
	expect(t, "-");
	tm->tm_year = today.tm_year - today.tm_year % 100 + digits(t, 2);
	if (tm->tm_year > today.tm_year + 50)
		tm->tm_year -= 100;
	expect(t, " ");
	clock_time(t, tm);
	expect(t, " GMT");
}

/* "Nov  6 08:49:37 1994" */
static void
asctime_date(struct text *t, struct tm *tm)
{
	tm->tm_mon = month(t);
	expect(t, " ");
	if (t->p < t->end && *t->p == ' ') {
		expect(t, " ");
		tm->tm_mday = digits(t, 1);
	} else
		tm->tm_mday = digits(t, 2);
	expect(t, " ");
	clock_time(t, tm);
	expect(t, " ");
	tm->tm_year = digits(t, 4) - 1900;
}

/* The day's name picks the form. It is not compared with the date: it says nothing. */
static void
any_date(struct text *t, struct tm *tm, time_t now)
{
	size_t left = (size_t)(t->end - t->p);

	for (int i = 0; i < 7; i++) {
		size_t n = strlen(day_names[i]);

		if (left > n && memcmp(t->p, day_names[i], n) == 0) {
			t->p += n;
			expect(t, ", ");
			rfc850_date(t, tm, now);
			return;
		}
		if (left > 3 && memcmp(t->p, day_names[i], 3) == 0) {
			t->p += 3;
			if (*t->p == ',') {
				expect(t, ", ");
				imf_fixdate(t, tm);
			} else {
				expect(t, " ");
				asctime_date(t, tm);
			}
			return;
		}
	}
	t->bad = true;
}

bool
http_date_parse(const char *text, size_t len, time_t now, time_t *out)
{
	struct text t = {text, text + len, false};
	struct tm tm = {0};
	int mday;

	any_date(&t, &tm, now);
	if (t.bad || t.p != t.end || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
		return false;
	mday = tm.tm_mday;
	*out = timegm(&tm);
	return tm.tm_mday == mday; /* "31 Feb" was moved by timegm() */
}
