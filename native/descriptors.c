/* Descriptors: event counters (eventfd(2)), copies, locks of files, named pipes, and the end of them. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was made in one environment and not closed since: a bit for each descriptor. */
struct environment {
  uint64_t* made;
  size_t words;
};

/* By Node, after all that was begun later, watches among it, has ended. */
static void environment_end(napi_env env, void* data, void* hint) {
  (void)env;
  (void)hint;
  struct environment* environment = data;
  for (size_t fd = 0; fd < environment->words * 64; fd++)
    if ((environment->made[fd / 64] >> (fd % 64) & 1) != 0) close((int)fd);
  free(environment->made);
  free(environment);
}

bool environment_begin(napi_env env) {
  struct environment* environment = calloc(1, sizeof *environment);
  if (environment == NULL) return false;
  if (napi_set_instance_data(env, environment, environment_end, NULL) == napi_ok) return true;
  free(environment);
  return false;
}

/* False: there is no memory for it. */
static bool is_made(napi_env env, int fd, bool made) {
  void* data = NULL;
  if (fd < 0 || napi_get_instance_data(env, &data) != napi_ok || data == NULL) return false;
  struct environment* environment = data;
  size_t word = (size_t)fd / 64;
  if (word >= environment->words) {
    if (!made) return true;
    uint64_t* more = realloc(environment->made, (word + 1) * sizeof *more);
    if (more == NULL) return false;
    memset(more + environment->words, 0, (word + 1 - environment->words) * sizeof *more);
    environment->made = more;
    environment->words = word + 1;
  }
  uint64_t bit = (uint64_t)1 << (fd % 64);
  if (made)
    environment->made[word] |= bit;
  else
    environment->made[word] &= ~bit;
  return true;
}

napi_value from_descriptor(napi_env env, int fd) {
  if (is_made(env, fd, true)) return from_int(env, fd);
  close(fd);
  return failed(env, ENOMEM, "realloc");
}

int descriptor_end(napi_env env, int fd) {
  is_made(env, fd, false);
  return close(fd) == 0 || errno == EINTR ? 0 : errno; /* on Linux it is closed when that was interrupted, too */
}

/* bellCreate(): a counter that can be watched, at zero. */
static napi_value bell_create(napi_env env, napi_callback_info info) {
  (void)info;
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? failed(env, errno, "eventfd") : from_descriptor(env, fd);
}

/*
 * isBell(fd): whether it is a counter that does not block whoever rings it. Asked of what came from somebody else: a pipe in its place
 * could be full.
 */
static napi_value is_bell(napi_env env, napi_callback_info info) {
  static const char kind[] = "anon_inode:[eventfd]";
  napi_value values[1], answer = NULL;
  int fd = -1;
  char path[32], target[sizeof kind];
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  int flags = fcntl(fd, F_GETFL);
  bool is = flags >= 0 && (flags & O_NONBLOCK) != 0 && (flags & O_ACCMODE) == O_RDWR &&
            readlink(path, target, sizeof target) == (ssize_t)(sizeof kind - 1) &&
            memcmp(target, kind, sizeof kind - 1) == 0;
  napi_get_boolean(env, is, &answer);
  return answer;
}

/*
 * bellRing(fd): 0, or the negative number of an error. One that is full is heard all the same. Whoever has it too may make it one that
 * blocks, after it was looked at: that is EPERM, and not rung. Who does so in this very moment, and has filled it, holds us up, as he could
 * by a signal, for he is the same user.
 */
static napi_value bell_ring(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) == 0) return refused(env, flags < 0 ? errno : EPERM);
  uint64_t one = 1;
  ssize_t written;
  do written = write(fd, &one, sizeof one);
  while (written < 0 && errno == EINTR);
  return written == (ssize_t)sizeof one || errno == EAGAIN ? from_int(env, 0) : refused(env, errno);
}

/* descriptorCopy(fd) */
static napi_value descriptor_copy(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return copy < 0 ? failed(env, errno, "fcntl") : from_descriptor(env, copy);
}

/* descriptorClose(fd) */
static napi_value descriptor_close(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  int error = descriptor_end(env, fd);
  return error == 0 ? undefined(env) : failed(env, error, "close");
}

/* fileLock(fd, exclusive): locks the whole file for this open file description (fcntl(2), F_OFD_SETLK); false: somebody has it. */
static napi_value file_lock(napi_env env, napi_callback_info info) {
  napi_value values[2], answer = NULL;
  int fd = -1;
  bool exclusive = false;
  if (!arguments(env, info, 2, values) || !to_int(env, values[0], &fd) || !to_bool(env, values[1], &exclusive))
    return NULL;
  struct flock lock = {.l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
  bool locked = fcntl(fd, F_OFD_SETLK, &lock) == 0;
  if (!locked && errno != EAGAIN && errno != EACCES) return failed(env, errno, "fcntl");
  napi_get_boolean(env, locked, &answer);
  return answer;
}

/* fileLocked(fd): whether somebody else has it exclusively. */
static napi_value file_locked(napi_env env, napi_callback_info info) {
  napi_value values[1], answer = NULL;
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_GETLK, &lock) != 0) return failed(env, errno, "fcntl");
  napi_get_boolean(env, lock.l_type != F_UNLCK, &answer);
  return answer;
}

/* fileUnlock(fd) */
static napi_value file_unlock(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_SETLK, &lock) != 0) return failed(env, errno, "fcntl");
  return undefined(env);
}

/* byteLock(fd, at): the same of one byte, whether the file has it or not: several locks in one file. Always exclusive. */
static napi_value byte_lock(napi_env env, napi_callback_info info) {
  napi_value values[2], answer = NULL;
  int fd = -1;
  size_t at = 0;
  if (!arguments(env, info, 2, values) || !to_int(env, values[0], &fd) || !to_size(env, values[1], &at)) return NULL;
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)at, .l_len = 1};
  bool locked = fcntl(fd, F_OFD_SETLK, &lock) == 0;
  if (!locked && errno != EAGAIN && errno != EACCES) return failed(env, errno, "fcntl");
  napi_get_boolean(env, locked, &answer);
  return answer;
}

/* byteUnlock(fd, at) */
static napi_value byte_unlock(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd = -1;
  size_t at = 0;
  if (!arguments(env, info, 2, values) || !to_int(env, values[0], &fd) || !to_size(env, values[1], &at)) return NULL;
  struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = (off_t)at, .l_len = 1};
  if (fcntl(fd, F_OFD_SETLK, &lock) != 0) return failed(env, errno, "fcntl");
  return undefined(env);
}

/* fifoCreate(path, mode): 0, or the negative number of an error. */
static napi_value fifo_create(napi_env env, napi_callback_info info) {
  napi_value values[2];
  char path[PATH_MAX];
  int mode = 0;
  if (!arguments(env, info, 2, values) || !to_text(env, values[0], path, sizeof path) || !to_int(env, values[1], &mode))
    return NULL;
  return refused(env, mkfifo(path, (mode_t)mode) == 0 ? 0 : errno);
}

bool descriptor_functions(napi_env env, napi_value exports) {
  return set_function(env, exports, "bellCreate", bell_create) && set_function(env, exports, "isBell", is_bell) &&
         set_function(env, exports, "bellRing", bell_ring) &&
         set_function(env, exports, "descriptorCopy", descriptor_copy) &&
         set_function(env, exports, "descriptorClose", descriptor_close) &&
         set_function(env, exports, "fileLock", file_lock) &&
         set_function(env, exports, "fileLocked", file_locked) &&
         set_function(env, exports, "fileUnlock", file_unlock) && set_function(env, exports, "byteLock", byte_lock) &&
         set_function(env, exports, "byteUnlock", byte_unlock) &&
         set_function(env, exports, "fifoCreate", fifo_create);
}
