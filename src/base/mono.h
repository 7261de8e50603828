/*
 * Monotonic time as a type of its own, so that it is never mixed with wall
 * clock seconds, milliseconds or a plain integer. Resolution: microseconds.
 */
#ifndef PIXIE_BASE_MONO_H
#define PIXIE_BASE_MONO_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct mono {
	int64_t us;
};

#define MONO_NEVER ((struct mono){INT64_MAX})
#define MONO_MS(ms) ((int64_t)(ms)*1000)
#define MONO_S(s) ((int64_t)(s)*1000000)

/* Now, by CLOCK_MONOTONIC. State machines never call this: they are told. */
static inline struct mono
mono_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){(int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000};
}

/* The moment `us` microseconds after `t`; MONO_NEVER stays never. */
static inline struct mono
mono_after(struct mono t, int64_t us)
{
	if (t.us > INT64_MAX - us)
		return MONO_NEVER;
	return (struct mono){t.us + us};
}

/* Microseconds from `earlier` to `later`; negative when they are swapped. */
static inline int64_t
mono_since(struct mono later, struct mono earlier)
{
	return later.us - earlier.us;
}

static inline bool
mono_reached(struct mono deadline, struct mono now)
{
	return now.us >= deadline.us;
}

static inline struct mono
mono_earlier(struct mono a, struct mono b)
{
	return a.us < b.us ? a : b;
}

static inline struct mono
mono_later(struct mono a, struct mono b)
{
	return a.us > b.us ? a : b;
}

#endif
