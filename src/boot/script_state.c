#include "boot/script_state.h"

#include <string.h>
#include <strings.h>

/* A part of a line; moved on by what is taken off its front. */
struct line {
	const char *p;
	size_t len;
};

static void
skip_blanks(struct line *l)
{
	while (l->len > 0 && (*l->p == ' ' || *l->p == '\t')) {
		l->p++;
		l->len--;
	}
}

static bool
skip_word(struct line *l, const char *word)
{
	size_t n = strlen(word);

	if (l->len < n || strncasecmp(l->p, word, n) != 0)
		return false;
	l->p += n;
	l->len -= n;
	skip_blanks(l);
	return true;
}

/* Whether the line is "# pixie: WORD"; leaves the word, without what follows it. */
static bool
is_ours(struct line *l)
{
	size_t n = 0;

	skip_blanks(l);
	if (!skip_word(l, "#") || !skip_word(l, "pixie") || !skip_word(l, ":"))
		return false;
	while (n < l->len && strchr(" \t\r", l->p[n]) == NULL)
		n++;
	l->len = n;
	return true;
}

static bool
read_state(const struct line *word, enum machine_state *out)
{
	char small[16];

	if (word->len >= sizeof(small))
		return false;
	for (size_t i = 0; i < word->len; i++) {
		char c = word->p[i];

		small[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return machine_state_parse(small, word->len, out);
}

enum machine_state
script_state(const char *text, size_t len, const char **wrong, size_t *wrong_len)
{
	enum machine_state state = STATE_BOOT;

	*wrong = NULL;
	if (len > SCRIPT_STATE_BYTES)
		len = SCRIPT_STATE_BYTES;
	for (int i = 0; i < SCRIPT_STATE_LINES && len > 0; i++) {
		const char *nl = memchr(text, '\n', len);
		size_t n = nl ? (size_t)(nl - text) : len;
		struct line l = {text, n};

		if (is_ours(&l)) {
			if (!read_state(&l, &state)) {
				*wrong = l.p;
				*wrong_len = l.len;
			}
			return state;
		}
		text += n + (nl != NULL);
		len -= n + (nl != NULL);
	}
	return STATE_BOOT;
}
