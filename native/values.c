/* Values of JavaScript, in and out, and errors of the system as Node tells them. */
#include "addon.h"

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

/* A whole number within bounds. What is no number at all (NaN) is within none. */
static bool to_whole(napi_env env, napi_value value, double least, double most, double* number) {
  return napi_get_value_double(env, value, number) == napi_ok && *number >= least && *number <= most &&
         (double)(int64_t)*number == *number;
}

bool to_int(napi_env env, napi_value value, int* number) {
  double wide = 0;
  if (to_whole(env, value, INT32_MIN, INT32_MAX, &wide)) {
    *number = (int)wide;
    return true;
  }
  napi_throw_type_error(env, NULL, "an argument is not a whole number of 32 bits");
  return false;
}

bool to_size(napi_env env, napi_value value, size_t* number) {
  double wide = 0;
  /* 2^53: up to there each whole number is itself. */
  if (to_whole(env, value, 0, 9007199254740992.0, &wide)) {
    *number = (size_t)wide;
    return true;
  }
  napi_throw_type_error(env, NULL, "an argument is not a number of bytes");
  return false;
}

bool to_span(napi_env env, napi_value* values, struct span* span) {
  void* data = NULL;
  size_t length = 0, from = 0, to = 0;
  if (!to_size(env, values[1], &from) || !to_size(env, values[2], &to)) return false;
  bool is_buffer = false;
  if (napi_is_buffer(env, values[0], &is_buffer) != napi_ok || !is_buffer ||
      napi_get_buffer_info(env, values[0], &data, &length) != napi_ok) {
    napi_throw_type_error(env, NULL, "an argument is not a Buffer");
    return false;
  }
  if (from > to || to > length) {
    napi_throw_range_error(env, NULL, "from and to do not lie in the Buffer");
    return false;
  }
  /* One that is empty, or was let go of, may have no address. */
  span->bytes = data == NULL ? NULL : (uint8_t*)data + from;
  span->length = to - from;
  return true;
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
  char code[32], reason[128], text[192];
  uv_err_name_r(-error, code, sizeof code);
  uv_strerror_r(-error, reason, sizeof reason);
  snprintf(text, sizeof text, "%s: %s, %s", code, reason, syscall);
  napi_value message = NULL, name = NULL, thrown = NULL, call = NULL;
  bool made = napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &message) == napi_ok &&
              napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &name) == napi_ok &&
              napi_create_string_utf8(env, syscall, NAPI_AUTO_LENGTH, &call) == napi_ok &&
              napi_create_error(env, name, message, &thrown) == napi_ok &&
              napi_set_named_property(env, thrown, "syscall", call) == napi_ok &&
              set_number(env, thrown, "errno", -error);
  if (made)
    napi_throw(env, thrown);
  else
    napi_throw_error(env, code, text);
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
  napi_value value = from_int(env, number);
  return value != NULL && napi_set_named_property(env, target, name, value) == napi_ok;
}
