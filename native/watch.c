/* Watches descriptors in Node's event loop, by uv_poll. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

struct watch;

/* What JavaScript holds. It may be held for longer than the watch lasts. */
struct holder {
  struct watch* watch;
};

struct watch {
  uv_poll_t poll;
  napi_env env;
  napi_ref callback;
  napi_ref resource;
  napi_async_context context;
  napi_async_cleanup_hook_handle hook;
  struct holder* holder;
  int fd;
  bool counts; /* an event counter: it is read before the callback, so that it rings again */
  bool ended;
};

static void on_closed(uv_handle_t* handle) {
  struct watch* watch = handle->data;
  if (watch->hook != NULL) napi_remove_async_cleanup_hook(watch->hook);
  free(watch);
}

/* Idempotent: an environment that ends may find what was stopped just before. */
static void end(struct watch* watch) {
  if (watch->ended) return;
  watch->ended = true;
  napi_env env = watch->env;
  if (watch->holder != NULL) watch->holder->watch = NULL;
  watch->holder = NULL;
  uv_poll_stop(&watch->poll);
  if (watch->callback != NULL) napi_delete_reference(env, watch->callback);
  if (watch->resource != NULL) napi_delete_reference(env, watch->resource);
  if (watch->context != NULL) napi_async_destroy(env, watch->context);
  uv_close((uv_handle_t*)&watch->poll, on_closed);
}

/* A worker ends, or the process. */
static void on_cleanup(napi_async_cleanup_hook_handle hook, void* data) {
  (void)hook;
  end(data);
}

/* Whoever may ring a bell may make it one that blocks, too: therefore it is read so that it cannot. */
static void read_count(int fd) {
  uint64_t count;
  struct iovec part = {.iov_base = &count, .iov_len = sizeof count};
  long got;
  do got = syscall(SYS_preadv2, fd, &part, 1, -1L, -1L, RWF_NOWAIT);
  while (got < 0 && errno == EINTR);
  if (got >= 0 || errno == EAGAIN) return;
  do got = read(fd, &count, sizeof count); /* before Linux 5.12 */
  while (got < 0 && errno == EINTR);
}

static void on_event(uv_poll_t* poll, int status, int events) {
  struct watch* watch = poll->data;
  napi_env env = watch->env;
  if (watch->counts && status >= 0) read_count(watch->fd);
  napi_handle_scope scope = NULL;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value callback = NULL, resource = NULL, argument = from_int(env, status < 0 ? status : events);
  napi_get_reference_value(env, watch->callback, &callback);
  napi_get_reference_value(env, watch->resource, &resource);
  /* The callback may stop the watch: nothing of it is touched from here on. */
  napi_make_callback(env, watch->context, resource, callback, 1, &argument, NULL);
  bool thrown = false;
  if (napi_is_exception_pending(env, &thrown) == napi_ok && thrown) {
    napi_value error = NULL;
    napi_get_and_clear_last_exception(env, &error);
    napi_fatal_exception(env, error);
  }
  napi_close_handle_scope(env, scope);
}

static void release(napi_env env, void* data, void* hint) {
  (void)env;
  (void)hint;
  struct holder* holder = data;
  /* A watch that nobody can stop goes on: it is what somebody waits for. */
  if (holder->watch != NULL) holder->watch->holder = NULL;
  free(holder);
}

static bool to_events(napi_env env, napi_value value, int* events) {
  if (!to_int(env, value, events)) return false;
  if ((*events & ~(UV_READABLE | UV_WRITABLE)) == 0) return true;
  napi_throw_range_error(env, NULL, "the events are readable, writable, both or none");
  return false;
}

/* 0, or the negative number of an error. */
static int watch_for(struct watch* watch, int events) {
  return events == 0 ? uv_poll_stop(&watch->poll) : uv_poll_start(&watch->poll, events, on_event);
}

static bool is_function(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_function) return true;
  napi_throw_type_error(env, NULL, "an argument is not a function");
  return false;
}

/*
 * watchStart(fd, events, counts, callback): calls back in the event loop whenever `fd` is ready, with the events, or with the negative
 * number of an error, after which it watches for nothing. The descriptor stays the caller's, and open until the watch is stopped.
 * EEXIST: this event loop watches that descriptor already, which a copy of it (descriptorCopy) does not hinder.
 */
static napi_value watch_start(napi_env env, napi_callback_info info) {
  napi_value values[4];
  int fd = -1, events = 0;
  bool counts = false;
  uv_loop_t* loop = NULL;
  if (!arguments(env, info, 4, values) || !to_int(env, values[0], &fd) || !to_events(env, values[1], &events) ||
      !to_bool(env, values[2], &counts) || !is_function(env, values[3]))
    return NULL;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return failed(env, ENOTSUP, "napi_get_uv_event_loop");
  struct watch* watch = calloc(1, sizeof *watch);
  struct holder* holder = calloc(1, sizeof *holder);
  int error = watch == NULL || holder == NULL ? UV_ENOMEM : uv_poll_init(loop, &watch->poll, fd);
  if (error != 0) {
    free(watch);
    free(holder);
    return failed(env, -error, "uv_poll_init");
  }
  watch->env = env;
  watch->fd = fd;
  watch->counts = counts;
  watch->poll.data = watch;
  watch->holder = holder;
  holder->watch = watch;
  napi_value resource = NULL, name = NULL, external = NULL;
  napi_create_object(env, &resource);
  napi_create_string_utf8(env, "TRUNKLINE", NAPI_AUTO_LENGTH, &name);
  bool made = napi_async_init(env, resource, name, &watch->context) == napi_ok &&
              napi_create_reference(env, resource, 1, &watch->resource) == napi_ok &&
              napi_create_reference(env, values[3], 1, &watch->callback) == napi_ok &&
              napi_add_async_cleanup_hook(env, on_cleanup, watch, &watch->hook) == napi_ok &&
              napi_create_external(env, holder, release, NULL, &external) == napi_ok;
  if (!made) {
    end(watch);
    free(holder);
    return failed(env, EINVAL, "watchStart");
  }
  error = watch_for(watch, events);
  if (error == 0) return external;
  end(watch);
  return failed(env, -error, "uv_poll_start");
}

static struct watch* watch_of(napi_env env, napi_callback_info info, size_t count, napi_value* values) {
  void* holder = NULL;
  if (!arguments(env, info, count, values)) return NULL;
  if (napi_get_value_external(env, values[0], &holder) != napi_ok) {
    napi_throw_type_error(env, NULL, "an argument is not a watch");
    return NULL;
  }
  return ((struct holder*)holder)->watch;
}

/* watchStop(watch): it never calls back again. Idempotent. */
static napi_value watch_stop(napi_env env, napi_callback_info info) {
  napi_value values[1];
  struct watch* watch = watch_of(env, info, 1, values);
  if (watch != NULL) end(watch);
  return undefined(env);
}

/* watchEvents(watch, events): watches for these from now on; 0: for none. */
static napi_value watch_events(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int events = 0;
  struct watch* watch = watch_of(env, info, 2, values);
  if (watch == NULL || !to_events(env, values[1], &events)) return NULL;
  int error = watch_for(watch, events);
  return error == 0 ? undefined(env) : failed(env, -error, "uv_poll_start");
}

/* watchHold(watch, holds): whether the process goes on for its sake. */
static napi_value watch_hold(napi_env env, napi_callback_info info) {
  napi_value values[2];
  bool holds = true;
  struct watch* watch = watch_of(env, info, 2, values);
  if (watch == NULL || !to_bool(env, values[1], &holds)) return NULL;
  if (holds)
    uv_ref((uv_handle_t*)&watch->poll);
  else
    uv_unref((uv_handle_t*)&watch->poll);
  return undefined(env);
}

bool watch_functions(napi_env env, napi_value exports) {
  return set_function(env, exports, "watchStart", watch_start) && set_function(env, exports, "watchStop", watch_stop) &&
         set_function(env, exports, "watchEvents", watch_events) &&
         set_function(env, exports, "watchHold", watch_hold) && set_number(env, exports, "readable", UV_READABLE) &&
         set_number(env, exports, "writable", UV_WRITABLE);
}
