/* Descriptors: event counters (eventfd(2)), copies, locks of files, and the end of them. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* bellCreate(): a counter that can be watched, at zero. */
static napi_value bell_create(napi_env env, napi_callback_info info) {
  (void)info;
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd < 0 ? failed(env, errno, "eventfd") : from_int(env, fd);
}

/* bellRing(fd): 0, or the negative number of an error. One that is full is heard all the same. */
static napi_value bell_ring(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
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
  return copy < 0 ? failed(env, errno, "fcntl") : from_int(env, copy);
}

/* descriptorClose(fd) */
static napi_value descriptor_close(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  if (close(fd) != 0 && errno != EINTR) return failed(env, errno, "close");
  return undefined(env);
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

/* fileUnlock(fd) */
static napi_value file_unlock(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  struct flock lock = {.l_type = F_UNLCK, .l_whence = SEEK_SET};
  if (fcntl(fd, F_OFD_SETLK, &lock) != 0) return failed(env, errno, "fcntl");
  return undefined(env);
}

bool descriptor_functions(napi_env env, napi_value exports) {
  return set_function(env, exports, "bellCreate", bell_create) && set_function(env, exports, "bellRing", bell_ring) &&
         set_function(env, exports, "descriptorCopy", descriptor_copy) &&
         set_function(env, exports, "descriptorClose", descriptor_close) &&
         set_function(env, exports, "fileLock", file_lock) && set_function(env, exports, "fileUnlock", file_unlock);
}
