/* A layer between a test's process and its disk, loaded with LD_PRELOAD. What it does is in the environment:
 *
 *   FAULTS_DIR    only this folder and what is below it are looked at
 *   FAULTS_LOG    every change of such a file is written down here, so that any power cut can be built from one run
 *   FAULTS_KIND   "write" or "read": which calls are counted
 *   FAULTS_AT     the number of the call that fails, from 1 on
 *   FAULTS_ERRNO  how it fails
 *   FAULTS_FOR    how many calls fail from then on; 0: all
 *
 * A record of the log: kind, inode, number, length of path and of data (u64 each), then path and data.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, TRUNCATE = 3, SYNC_FOLDER = 4, UNLINK = 5, OPEN = 6, MOVE = 7 };

static char folder[PATH_MAX];
static size_t folder_len;
static int log_fd = -1, fail_errno = EIO, counts_reads;
static uint64_t fail_at, fail_for = 1, calls;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off64_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off64_t);
static int (*real_open)(const char *, int, ...);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

__attribute__((constructor)) static void start(void) {
  real_write = REAL(write);
  real_writev = REAL(writev);
  real_pwrite = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
  real_read = REAL(read);
  real_pread = (ssize_t(*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, "pread64");
  real_fsync = REAL(fsync);
  real_fdatasync = REAL(fdatasync);
  real_ftruncate = (int (*)(int, off64_t))dlsym(RTLD_NEXT, "ftruncate64");
  real_open = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
  real_unlink = REAL(unlink);
  real_rename = REAL(rename);
  const char *value = getenv("FAULTS_DIR");
  if (!value || !realpath(value, folder)) return;
  if ((value = getenv("FAULTS_KIND"))) counts_reads = !strcmp(value, "read");
  if ((value = getenv("FAULTS_AT"))) fail_at = strtoull(value, NULL, 10);
  if ((value = getenv("FAULTS_ERRNO"))) fail_errno = atoi(value);
  if ((value = getenv("FAULTS_FOR"))) fail_for = strtoull(value, NULL, 10);
  if ((value = getenv("FAULTS_LOG"))) log_fd = real_open(value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  folder_len = strlen(folder);
}

static int below(const char *path) {
  return folder_len && !strncmp(path, folder, folder_len) && (path[folder_len] == '/' || !path[folder_len]);
}

/* The path of an open file of ours. */
static int ours(int fd, char *path) {
  if (!folder_len || fd < 3 || fd == log_fd) return 0;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t len = readlink(link, path, PATH_MAX - 1);
  if (len <= 0) return 0;
  path[len] = 0;
  return below(path);
}

/* Counts a call; whether it fails. */
static int fails(int is_read) {
  if (is_read != counts_reads || !fail_at) return 0;
  uint64_t n = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
  if (n < fail_at || (fail_for && n >= fail_at + fail_for)) return 0;
  errno = fail_errno;
  return 1;
}

/* Which file it is. The number of a file that was replaced is the next one's at once, and renames by a bare system call are not
 * seen here: the time of its birth distinguishes them. */
static uint64_t inode(int fd) {
  struct statx found;
  if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &found)) return 0;
  uint64_t born = (uint64_t)found.stx_btime.tv_sec * 1000000000u + found.stx_btime.tv_nsec;
  return found.stx_ino ^ born << 20;
}

static uint64_t log_len(void) { return log_fd < 0 ? 0 : (uint64_t)lseek(log_fd, 0, SEEK_END); }

/* A change and its record are one step: the number of a file that is gone is another file's at once, so in another order the
 * log would take the one for the other. */
static void begin(void) {
  if (log_fd >= 0) pthread_mutex_lock(&lock);
}

static void end(void) {
  int saved = errno;
  if (log_fd >= 0) pthread_mutex_unlock(&lock);
  errno = saved;
}

/* Between begin and end. */
static void record(uint64_t kind, uint64_t ino, uint64_t number, const char *path, const void *data, size_t len) {
  if (log_fd < 0) return;
  int saved = errno;
  uint64_t head[5] = {kind, ino, number, strlen(path), len};
  struct iovec parts[3] = {{head, sizeof head}, {(void *)path, head[3]}, {(void *)data, len}};
  real_writev(log_fd, parts, 3);
  errno = saved;
}

ssize_t write(int fd, const void *data, size_t len) {
  char path[PATH_MAX];
  if (!real_write) start();
  if (!ours(fd, path)) return real_write(fd, data, len);
  if (fails(0)) return -1;
  begin();
  ssize_t done = real_write(fd, data, len);
  if (done > 0) record(WRITE, inode(fd), (uint64_t)(lseek64(fd, 0, SEEK_CUR) - done), path, data, (size_t)done);
  end();
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  char path[PATH_MAX];
  if (!ours(fd, path)) return real_writev(fd, parts, count);
  /* One part is a short write, which callers go on from. */
  for (int at = 0; at < count; at++)
    if (parts[at].iov_len) return write(fd, parts[at].iov_base, parts[at].iov_len);
  return 0;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
  char path[PATH_MAX];
  if (!ours(fd, path)) return real_pwrite(fd, data, len, at);
  if (fails(0)) return -1;
  begin();
  ssize_t done = real_pwrite(fd, data, len, at);
  if (done > 0) record(WRITE, inode(fd), (uint64_t)at, path, data, (size_t)done);
  end();
  return done;
}

static int sync_by(int (*real)(int), int fd) {
  char path[PATH_MAX];
  if (!ours(fd, path)) return real(fd);
  if (fails(0)) return -1;
  struct stat found;
  int is_folder = !fstat(fd, &found) && S_ISDIR(found.st_mode);
  begin();
  uint64_t begun = log_len();
  end();
  int done = real(fd);
  begin();
  if (!done) record(is_folder ? SYNC_FOLDER : SYNC, inode(fd), begun, path, NULL, 0);
  end();
  return done;
}

int fsync(int fd) { return sync_by(real_fsync, fd); }
int fdatasync(int fd) { return sync_by(real_fdatasync, fd); }

int ftruncate64(int fd, off64_t len) {
  char path[PATH_MAX];
  if (!ours(fd, path)) return real_ftruncate(fd, len);
  if (fails(0)) return -1;
  begin();
  int done = real_ftruncate(fd, len);
  if (!done) record(TRUNCATE, inode(fd), (uint64_t)len, path, NULL, 0);
  end();
  return done;
}

ssize_t read(int fd, void *data, size_t len) {
  char path[PATH_MAX];
  if (!real_read) start();
  if (ours(fd, path) && fails(1)) return -1;
  return real_read(fd, data, len);
}

ssize_t pread64(int fd, void *data, size_t len, off64_t at) {
  char path[PATH_MAX];
  if (ours(fd, path) && fails(1)) return -1;
  return real_pread(fd, data, len, at);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  int mode = va_arg(rest, int);
  va_end(rest);
  if (!real_open) start();
  int mine = below(path);
  int writes = (flags & O_ACCMODE) != O_RDONLY;
  if (mine && writes && fails(0)) return -1;
  if (!mine || !writes) return real_open(path, flags, mode);
  begin();
  int fd = real_open(path, flags, mode);
  if (fd >= 0) {
    record(OPEN, inode(fd), 0, path, NULL, 0);
    if (flags & O_TRUNC) record(TRUNCATE, inode(fd), 0, path, NULL, 0);
  }
  end();
  return fd;
}

int unlink(const char *path) {
  int mine = below(path);
  if (mine && fails(0)) return -1;
  if (!mine) return real_unlink(path);
  begin();
  int done = real_unlink(path);
  if (!done) record(UNLINK, 0, 0, path, NULL, 0);
  end();
  return done;
}

int rename(const char *from, const char *to) {
  int mine = below(from) && below(to);
  if (mine && fails(0)) return -1;
  if (!mine) return real_rename(from, to);
  begin();
  int done = real_rename(from, to);
  if (!done) record(MOVE, 0, 0, from, to, strlen(to));
  end();
  return done;
}
