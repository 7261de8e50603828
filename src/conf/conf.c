#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum kind { KIND_TEXT, KIND_FLAG, KIND_MAYBE };

static const struct option {
	enum kind kind;
	size_t offset;
	char letter;
	const char *name, *env, *value, *placeholder, *help;
} options[] = {
#define OPT(kind, field, letter, name, env, value, placeholder, help)                    \
	{KIND_##kind, offsetof(struct conf, field), letter, name, env, value,            \
		placeholder, help},
#include "conf/conf.def"
#undef OPT
};
#define OPTIONS (sizeof(options) / sizeof(*options))

static bool
is_one_of(const char *text, const char *const words[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

bool
conf_is_on(const char *text)
{
	static const char *const no[] = {"", "0", "false", "no", "off"};

	return !is_one_of(text, no, sizeof(no) / sizeof(*no));
}

bool
conf_is_plain_on(const char *text)
{
	static const char *const yes[] = {"1", "true", "yes", "on"};

	return is_one_of(text, yes, sizeof(yes) / sizeof(*yes));
}

/* False when the option is on or off and `value` is neither. */
static bool
set(struct conf *c, const struct option *o, const char *value)
{
	char *at = (char *)c + o->offset;

	if (o->kind != KIND_FLAG) {
		*(const char **)at = value;
		return true;
	}
	*(bool *)at = conf_is_plain_on(value);
	return conf_is_plain_on(value) || !conf_is_on(value);
}

/* The option called `name` (of `n` characters), by letter or by word. */
static const struct option *
find(const char *name, size_t n)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if ((n == 1 && options[i].letter == *name) ||
			(strlen(options[i].name) == n &&
				strncmp(options[i].name, name, n) == 0))
			return &options[i];
	return NULL;
}

static const char neither[] = "is on or off: write 1 or 0";

/* Reads the option at argv[*i], and its value; NULL or what is wrong. */
static const char *
read_one(struct conf *c, int operands, int argc, const char *const *argv, int *i)
{
	const char *name = argv[*i] + strspn(argv[*i], "-");
	size_t dashes = (size_t)(name - argv[*i]), n = strcspn(name, "=");
	const struct option *o = dashes == 1 || dashes == 2 ? find(name, n) : NULL;

	if (dashes == 0 && c->n_operands < operands) {
		c->operand[c->n_operands++] = argv[*i];
		return NULL;
	}
	if (dashes == 0)
		return operands > 0 ? "one word too many"
				    : "no such command, and not an option; a command is "
				      "the first word";
	if (o == NULL)
		return "no such option";
	if (name[n] == '=')
		return set(c, o, name + n + 1) ? NULL : neither;
	if (o->kind != KIND_TEXT) /* never the next word: "--proxy-dhcp -d DIR" */
		set(c, o, "1");
	else if (*i + 1 < argc)
		set(c, o, argv[++*i]);
	else
		return "needs a value";
	return NULL;
}

static bool
complain(char *err, size_t cap, const char *what, const char *wrong)
{
	snprintf(err, cap, "%s: %s; see pixie --help", what, wrong);
	return false;
}

/* Defaults, and the environment over them. */
static bool
read_environment(struct conf *c, char *err, size_t cap)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const char *env = *options[i].env ? getenv(options[i].env) : NULL;

		if (!set(c, &options[i], env && *env ? env : options[i].value))
			return complain(err, cap, options[i].env, neither);
	}
	return true;
}

bool
conf_read(struct conf *c, int argc, const char *const *argv, char *err, size_t cap)
{
	return conf_read_words(c, 0, argc, argv, err, cap);
}

bool
conf_read_words(struct conf *c, int operands, int argc, const char *const *argv,
	char *err, size_t cap)
{
	c->n_operands = 0;
	if (!read_environment(c, err, cap))
		return false;
	for (int i = 0; i < argc; i++) {
		const char *arg = argv[i], *wrong = read_one(c, operands, argc, argv, &i);

		if (wrong != NULL)
			return complain(err, cap, arg, wrong);
	}
	return true;
}

#define HELP_COLUMN 26
#define HELP_WIDTH 80

/* Prints `text` from the help column on, broken at spaces. */
static void
print_wrapped(FILE *out, const char *text)
{
	int room = HELP_WIDTH - HELP_COLUMN, used = 0;

	while (*text != '\0') {
		int word = (int)strcspn(text, " ");

		if (used > 0 && used + 1 + word > room) {
			fprintf(out, "\n%*s", HELP_COLUMN, "");
			used = 0;
		}
		used += fprintf(out, "%s%.*s", used ? " " : "", word, text);
		text += word + (text[word] == ' ');
	}
}

static void
help_for(FILE *out, const struct option *o)
{
	char text[512];
	int n = fprintf(out, o->letter ? "  -%c, " : "      ", o->letter);

	if (o->kind == KIND_MAYBE)
		n += fprintf(out, "--%s[=%s]", o->name, o->placeholder);
	else
		n += fprintf(out, "--%s%s%s", o->name, *o->placeholder ? " " : "",
			o->placeholder);
	if (n >= HELP_COLUMN)
		fprintf(out, "\n%*s", HELP_COLUMN, "");
	else
		fprintf(out, "%*s", HELP_COLUMN - n, "");
	n = snprintf(text, sizeof(text), "%s", o->help);
	if (*o->value)
		n += snprintf(
			text + n, sizeof(text) - (size_t)n, " [default: %s]", o->value);
	if (*o->env)
		snprintf(text + n, sizeof(text) - (size_t)n, " [env: %s]", o->env);
	print_wrapped(out, text);
	fputc('\n', out);
}

void
conf_help(FILE *out)
{
	for (size_t i = 0; i < OPTIONS; i++)
		help_for(out, &options[i]);
}

void
conf_man(FILE *out)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];

		fputs(".It ", out);
		if (o->letter)
			fprintf(out, "Fl %c , ", o->letter);
		fprintf(out, "Fl -%s", o->name);
		if (o->kind == KIND_MAYBE)
			fprintf(out, " Ns Op = Ns Ar %s", o->placeholder);
		else if (*o->placeholder)
			fprintf(out, " Ar %s", o->placeholder);
		fprintf(out, "\n%s.\n", o->help);
		if (*o->value)
			fprintf(out, "Default:\n.Ql %s .\n", o->value);
		if (*o->env)
			fprintf(out, "Environment:\n.Ev %s .\n", o->env);
	}
}
