/*
 * The door to what Linux offers between processes and Node does not: anonymous shared memory with seals, event counters, descriptors
 * through sockets, message queues, datagrams, signals with a value. Only calls of the system are here; what they are for is TypeScript.
 */
#include "addon.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

bool arguments(napi_env env, napi_callback_info info, size_t count, napi_value* values) {
  size_t given = count;
  if (napi_get_cb_info(env, info, &given, values, NULL, NULL) != napi_ok) return false;
  if (given >= count) return true;
  napi_throw_type_error(env, NULL, "an argument is missing");
  return false;
}

bool to_int(napi_env env, napi_value value, int* number) {
  int64_t wide = 0;
  if (napi_get_value_int64(env, value, &wide) == napi_ok && wide >= INT32_MIN && wide <= INT32_MAX) {
    *number = (int)wide;
    return true;
  }
  napi_throw_type_error(env, NULL, "an argument is not a 32-bit number");
  return false;
}

bool to_size(napi_env env, napi_value value, size_t* number) {
  double wide = 0;
  /* 2^53: up to there each whole number is itself. */
  if (napi_get_value_double(env, value, &wide) == napi_ok && wide >= 0 && wide <= 9007199254740992.0) {
    *number = (size_t)wide;
    return true;
  }
  napi_throw_type_error(env, NULL, "an argument is not a number of bytes");
  return false;
}

bool to_bool(napi_env env, napi_value value, bool* truth) {
  if (napi_get_value_bool(env, value, truth) == napi_ok) return true;
  napi_throw_type_error(env, NULL, "an argument is not true or false");
  return false;
}

bool to_text(napi_env env, napi_value value, char* text, size_t bytes) {
  size_t length = 0;
  size_t copied = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) == napi_ok && length < bytes &&
      napi_get_value_string_utf8(env, value, text, bytes, &copied) == napi_ok && strlen(text) == length)
    return true;
  napi_throw_type_error(env, NULL, "an argument is not a text, has a zero in it, or is too long");
  return false;
}

bool to_bytes(napi_env env, napi_value value, uint8_t** bytes, size_t* length) {
  void* data = NULL;
  if (napi_get_buffer_info(env, value, &data, length) == napi_ok) {
    *bytes = data;
    return true;
  }
  napi_throw_type_error(env, NULL, "an argument is not a Buffer");
  return false;
}

napi_value from_int(napi_env env, int64_t number) {
  napi_value value = NULL;
  napi_create_int64(env, number, &value);
  return value;
}

napi_value undefined(napi_env env) {
  napi_value value = NULL;
  napi_get_undefined(env, &value);
  return value;
}

napi_value failed(napi_env env, int error, const char* syscall) {
  char text[256];
  const char* code = uv_err_name(-error);
  snprintf(text, sizeof text, "%s: %s, %s", code, uv_strerror(-error), syscall);
  napi_value message = NULL, name = NULL, thrown = NULL, call = NULL;
  if (napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) != napi_ok) return NULL;
  if (napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &name) != napi_ok) return NULL;
  if (napi_create_error(env, name, message, &thrown) != napi_ok) return NULL;
  if (napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &call) != napi_ok) return NULL;
  napi_set_named_property(env, thrown, "syscall", call);
  set_number(env, thrown, "errno", -error);
  napi_throw(env, thrown);
  return NULL;
}

napi_value refused(napi_env env, int error) {
  return from_int(env, -error);
}

bool set_function(napi_env env, napi_value target, const char* name, napi_callback function) {
  napi_value value = NULL;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value) == napi_ok &&
         napi_set_named_property(env, target, name, value) == napi_ok;
}

bool set_number(napi_env env, napi_value target, const char* name, int64_t number) {
  return napi_set_named_property(env, target, name, from_int(env, number)) == napi_ok;
}

#ifdef TRUNKLINE_SOURCES
/* scripts/native/ tells by it of which sources this was made. */
__attribute__((used)) static const char sources[] = TRUNKLINE_SOURCES;
#endif

NAPI_MODULE_INIT() {
  bool complete = memory_functions(env, exports) && descriptor_functions(env, exports) &&
                  watch_functions(env, exports) && socket_functions(env, exports) &&
                  queue_functions(env, exports) && signal_functions(env, exports) &&
                  set_number(env, exports, "version", 1);
  if (!complete) {
    napi_throw_error(env, NULL, "the addon could not be set up");
    return NULL;
  }
  return exports;
}
