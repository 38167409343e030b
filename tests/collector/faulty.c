// Preloaded into a collector under test: ends it inside its Nth write to a file, or makes its syncs slow or fail.
// CRASH_AT=N       SIGKILL instead of the Nth call
// SYNC_DELAY=US    microseconds that each sync takes longer
// SYNC_FAILS=N     the Nth to the (N+4)th sync fail with EIO
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls, syncs;

static long setting(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

static void count_call(void) {
  if (atomic_fetch_add(&calls, 1) + 1 == setting("CRASH_AT")) kill(getpid(), SIGKILL);
}

static int count_sync(void) {
  count_call();
  long delay = setting("SYNC_DELAY"), fails = setting("SYNC_FAILS"), number = atomic_fetch_add(&syncs, 1) + 1;
  if (delay) usleep((useconds_t)delay);
  if (fails && number >= fails && number < fails + 5) {
    errno = EIO;
    return -1;
  }
  return 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset) {
  count_call();
  return REAL(pwrite64)(file, bytes, size, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
  count_call();
  return REAL(pwrite)(file, bytes, size, offset);
}

int ftruncate64(int file, off64_t size) {
  count_call();
  return REAL(ftruncate64)(file, size);
}

int fdatasync(int file) { return count_sync() ? -1 : REAL(fdatasync)(file); }

int fsync(int file) { return count_sync() ? -1 : REAL(fsync)(file); }
