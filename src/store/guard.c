#define _GNU_SOURCE
#include "store/guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static _Thread_local volatile sig_atomic_t inside;
static atomic_bool struck; /* connections of one process share the index */
static struct sigaction before;
static uintptr_t page_size;

/* mmap() is a plain system call: it may be made here. */
static void
on_bus_error(int number, siginfo_t *info, void *context)
{
	void *page = (void *)((uintptr_t)info->si_addr & ~(page_size - 1));

	(void)context;
	if (inside > 0 && info->si_code == BUS_ADRERR &&
		mmap(page, page_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page) {
		atomic_store(&struck, true);
		return;
	}
	sigaction(
		number, &before, NULL); /* it happens again, and is dealt with as ever */
}

/* Looked at each time: a library may have put its own in the place of ours. */
static void
install(void)
{
	struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO},
			 old;

	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, NULL, &old) < 0 || old.sa_sigaction == on_bus_error)
		return;
	before = old;
	sigaction(SIGBUS, &action, NULL);
}

void
guard_enter(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&lock);
	install();
	pthread_mutex_unlock(&lock);
	inside++;
}

void
guard_leave(void)
{
	inside--;
}

bool
guard_struck(void)
{
	return atomic_exchange(&struck, false);
}
