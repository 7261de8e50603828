#include "http/feed.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Readers at so many places share; with more of them slices are made more than once. */
#define SLICES 128

/* The events after `from`, up to `to`. */
struct slice {
	uint64_t from, to;
	char *text; /* NULL: none */
	size_t len;
};

struct feed {
	struct registry *registry;
	struct clerk *clerk;
	struct task task;
	struct frames *frames; /* the clerk's */
	pthread_mutex_t lock;  /* of what follows; held for no longer than a copy takes */
	bool queued;           /* the clerk has the task */
	struct slice slices[SLICES];
	unsigned oldest; /* of them: the next to go */
	uint64_t wanted[SLICES];
	unsigned n_wanted;
	char *progress;
	uint64_t version;           /* of its text: the same one, the same text */
	struct mono at, wanted_for; /* when it was made; when somebody wanted it */
	bool idle, is_wanted;
};

static void
publish_slice(struct feed *f, const struct slice *made)
{
	struct slice *to = &f->slices[f->oldest];

	f->oldest = (f->oldest + 1) % SLICES;
	free(to->text);
	*to = *made;
}

/* The one that has been wanted for longest. */
static void
make_slice(struct feed *f)
{
	struct slice made;
	struct text out = {0};

	pthread_mutex_lock(&f->lock);
	made.from = made.to = f->wanted[0];
	pthread_mutex_unlock(&f->lock);
	frames_read(f->frames, &made.to, &out, FEED_SLICE);
	pthread_mutex_lock(&f->lock);
	if (out.len > 0 && !out.bad) {
		made.text = out.p;
		made.len = out.len;
		publish_slice(f, &made);
	} else
		free(out.p);
	memmove(f->wanted, f->wanted + 1, --f->n_wanted * sizeof(f->wanted[0]));
	pthread_mutex_unlock(&f->lock);
}

/* A version is a change: a reader is not told twice of what stands still. */
static void
publish_progress(struct feed *f, char *text, bool idle)
{
	f->is_wanted = false;
	f->at = f->wanted_for;
	f->idle = idle;
	if (f->progress != NULL && strcmp(f->progress, text) == 0) {
		free(text);
		return;
	}
	free(f->progress);
	f->progress = text;
	f->version++;
}

static void
make_progress(struct feed *f)
{
	bool idle;
	char *text = progress_frame(f->registry, &idle);

	pthread_mutex_lock(&f->lock);
	if (text != NULL)
		publish_progress(f, text, idle);
	else
		f->is_wanted = false;
	pthread_mutex_unlock(&f->lock);
}

/* Has the clerk do what is wanted; when it is too busy, somebody will ask again. */
static void
work(struct feed *f)
{
	bool now;

	pthread_mutex_lock(&f->lock);
	now = !f->queued && (f->n_wanted > 0 || f->is_wanted);
	f->queued |= now;
	pthread_mutex_unlock(&f->lock);
	if (!now || clerk_give(f->clerk, &f->task))
		return;
	pthread_mutex_lock(&f->lock);
	f->queued = false;
	pthread_mutex_unlock(&f->lock);
}

/* In the clerk's thread. One slice at a time: others ask it for things, too. */
static void
run(struct task *task)
{
	struct feed *f = (struct feed *)((char *)task - offsetof(struct feed, task));
	bool progress, events;

	pthread_mutex_lock(&f->lock);
	progress = f->is_wanted;
	events = f->n_wanted > 0;
	pthread_mutex_unlock(&f->lock);
	if (progress)
		make_progress(f);
	if (events)
		make_slice(f);
	pthread_mutex_lock(&f->lock);
	f->queued = false;
	pthread_mutex_unlock(&f->lock);
	work(f);
}

struct feed *
feed_new(struct registry *registry, struct clerk *clerk)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	pthread_mutex_init(&f->lock, NULL);
	f->registry = registry;
	f->clerk = clerk;
	f->task.run = run;
	f->idle = true;
	f->frames = frames_new(registry);
	if (f->frames != NULL)
		return f;
	feed_free(f);
	return NULL;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < SLICES; i++)
		free(f->slices[i].text);
	free(f->progress);
	frames_free(f->frames);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* With the lock. */
static const struct slice *
find_slice(const struct feed *f, uint64_t from)
{
	for (size_t i = 0; i < SLICES; i++)
		if (f->slices[i].text != NULL && f->slices[i].from == from)
			return &f->slices[i];
	return NULL;
}

static bool
copy_slice(struct feed *f, uint64_t *cursor, struct text *out)
{
	const struct slice *s;

	pthread_mutex_lock(&f->lock);
	s = find_slice(f, *cursor);
	if (s != NULL) {
		text_add(out, s->text, s->len);
		*cursor = s->to;
	}
	pthread_mutex_unlock(&f->lock);
	return s != NULL;
}

static void
want_slice(struct feed *f, uint64_t after)
{
	unsigned i = 0;

	pthread_mutex_lock(&f->lock);
	while (i < f->n_wanted && f->wanted[i] != after)
		i++;
	if (i == f->n_wanted && i < SLICES && find_slice(f, after) == NULL)
		f->wanted[f->n_wanted++] = after;
	pthread_mutex_unlock(&f->lock);
	work(f);
}

bool
feed_events(struct feed *f, uint64_t *cursor, struct text *out)
{
	uint64_t newest = registry_newest(f->registry);

	if (*cursor >= newest)
		return false;
	if (!copy_slice(f, cursor, out)) {
		want_slice(f, *cursor);
		copy_slice(f, cursor, out); /* without a clerk it is there */
	} else if (*cursor < newest)
		want_slice(f, *cursor); /* while the reader reads this one */
	return *cursor < newest;
}

/* False: what there is is too old. */
static bool
copy_progress(struct feed *f, uint64_t *seen, struct text *out, struct mono now)
{
	bool fresh;

	pthread_mutex_lock(&f->lock);
	fresh = f->version > 0 && mono_since(now, f->at) < FEED_PROGRESS;
	if (fresh && f->version != *seen && !(*seen == 0 && f->idle))
		text_add(out, f->progress, strlen(f->progress));
	if (fresh)
		*seen = f->version;
	else if (!f->is_wanted) {
		f->is_wanted = true;
		f->wanted_for = now;
	}
	pthread_mutex_unlock(&f->lock);
	return fresh;
}

bool
feed_progress(struct feed *f, uint64_t *seen, struct text *out, struct mono now)
{
	if (copy_progress(f, seen, out, now))
		return false;
	work(f);
	return !copy_progress(f, seen, out, now);
}
