/* Sockets of the family AF_UNIX, as far as Node has none: descriptors that go along, who is there, datagrams and packets. */
#include "addon.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The most descriptors of one message. */
#define DESCRIPTORS_MAX 8

static bool to_type(napi_env env, napi_value value, int* type) {
  if (!to_int(env, value, type)) return false;
  if (*type == SOCK_DGRAM || *type == SOCK_SEQPACKET || *type == SOCK_STREAM) return true;
  napi_throw_type_error(env, NULL, "an argument is not a type of socket");
  return false;
}

/* False, with an error pending, when the path is too long for an address. An empty one is nowhere. */
static bool to_address(napi_env env, napi_value value, struct sockaddr_un* address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  return to_text(env, value, address->sun_path, sizeof address->sun_path);
}

/* To the system an empty path is a name that every user of the machine may use. */
static bool to_place(napi_env env, napi_value value, struct sockaddr_un* address, const char* syscall) {
  if (!to_address(env, value, address)) return false;
  if (address->sun_path[0] != '\0') return true;
  failed(env, ENOENT, syscall);
  return false;
}

/* Both ends of one, or what came: an array of numbers. NULL: it could not be made. */
static napi_value from_ints(napi_env env, const int64_t* numbers, uint32_t count) {
  napi_value array = NULL;
  if (napi_create_array_with_length(env, count, &array) != napi_ok) return NULL;
  for (uint32_t index = 0; index < count; index++)
    if (napi_set_element(env, array, index, from_int(env, numbers[index])) != napi_ok) return NULL;
  return array;
}

/* socketOpen(type): it never blocks, and is closed in programs that are started. */
static napi_value socket_open(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int type = 0;
  if (!arguments(env, info, 1, values) || !to_type(env, values[0], &type)) return NULL;
  int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return fd < 0 ? failed(env, errno, "socket") : from_descriptor(env, fd);
}

/* socketPair(type): both ends. */
static napi_value socket_pair(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int type = 0, fds[2];
  if (!arguments(env, info, 1, values) || !to_type(env, values[0], &type)) return NULL;
  if (socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) return failed(env, errno, "socketpair");
  from_descriptor(env, fds[0]);
  from_descriptor(env, fds[1]);
  return from_ints(env, (int64_t[]){fds[0], fds[1]}, 2);
}

/* socketBind(fd, path) */
static napi_value socket_bind(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd = -1;
  struct sockaddr_un address;
  if (!arguments(env, info, 2, values) || !to_int(env, values[0], &fd) || !to_place(env, values[1], &address, "bind"))
    return NULL;
  if (bind(fd, (struct sockaddr*)&address, sizeof address) != 0) return failed(env, errno, "bind");
  return undefined(env);
}

/* socketConnect(fd, path): 0, or the negative number of an error. */
static napi_value socket_connect(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd = -1;
  struct sockaddr_un address;
  if (!arguments(env, info, 2, values) || !to_int(env, values[0], &fd) || !to_place(env, values[1], &address, "connect"))
    return NULL;
  int error;
  do error = connect(fd, (struct sockaddr*)&address, sizeof address) == 0 ? 0 : errno;
  while (error == EINTR);
  return refused(env, error);
}

/* socketListen(fd, backlog) */
static napi_value socket_listen(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int fd = -1, backlog = 0;
  if (!arguments(env, info, 2, values) || !to_int(env, values[0], &fd) || !to_int(env, values[1], &backlog))
    return NULL;
  if (listen(fd, backlog) != 0) return failed(env, errno, "listen");
  return undefined(env);
}

/* socketAccept(fd): a descriptor, or the negative number of an error. */
static napi_value socket_accept(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  int accepted;
  do accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  while (accepted < 0 && errno == EINTR);
  return accepted < 0 ? refused(env, errno) : from_descriptor(env, accepted);
}

/* socketEnd(fd): nothing more is sent by it. */
static napi_value socket_end(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  return refused(env, shutdown(fd, SHUT_WR) == 0 ? 0 : errno);
}

/* socketRoom(fd, option, bytes): sets SO_SNDBUF or SO_RCVBUF, and tells what the system has made of it. */
static napi_value socket_room(napi_env env, napi_callback_info info) {
  napi_value values[3];
  int fd = -1, option = 0, bytes = 0;
  if (!arguments(env, info, 3, values) || !to_int(env, values[0], &fd) || !to_int(env, values[1], &option) ||
      !to_int(env, values[2], &bytes))
    return NULL;
  if (option != SO_SNDBUF && option != SO_RCVBUF) {
    napi_throw_range_error(env, NULL, "the option is neither sendRoom nor receiveRoom");
    return NULL;
  }
  socklen_t length = sizeof bytes;
  if (setsockopt(fd, SOL_SOCKET, option, &bytes, length) != 0 || getsockopt(fd, SOL_SOCKET, option, &bytes, &length) != 0)
    return failed(env, errno, "setsockopt");
  return from_int(env, bytes);
}

/* socketPeer(fd): [pid, uid, gid] of who was at the other end when it was connected (SO_PEERCRED), or the negative number of an error. */
static napi_value socket_peer(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1;
  struct ucred who;
  socklen_t length = sizeof who;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) != 0) return refused(env, errno);
  return from_ints(env, (int64_t[]){who.pid, who.uid, who.gid}, 3);
}

static bool to_descriptors(napi_env env, napi_value value, int* fds, uint32_t* count) {
  if (napi_get_array_length(env, value, count) != napi_ok || *count > DESCRIPTORS_MAX) {
    napi_throw_range_error(env, NULL, "the descriptors are no array, or too many");
    return false;
  }
  for (uint32_t index = 0; index < *count; index++) {
    napi_value element = NULL;
    if (napi_get_element(env, value, index, &element) != napi_ok || !to_int(env, element, &fds[index])) return false;
  }
  return true;
}

/* socketSend(fd, bytes, from, to, fds, path): how many bytes went, or the negative number of an error. An empty path: to whom it is connected. */
static napi_value socket_send(napi_env env, napi_callback_info info) {
  napi_value values[6];
  int fd = -1, fds[DESCRIPTORS_MAX];
  uint32_t count = 0;
  struct span span;
  struct sockaddr_un address;
  if (!arguments(env, info, 6, values) || !to_int(env, values[0], &fd) || !to_address(env, values[5], &address) ||
      !to_descriptors(env, values[4], fds, &count) || !to_span(env, values + 1, &span))
    return NULL;
  union {
    char room[CMSG_SPACE(sizeof fds)];
    struct cmsghdr align;
  } control;
  struct iovec part = {.iov_base = span.bytes, .iov_len = span.length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (address.sun_path[0] != '\0') {
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
  }
  if (count > 0) {
    memset(&control, 0, sizeof control);
    message.msg_control = control.room;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
  }
  ssize_t sent;
  do sent = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  return sent < 0 ? refused(env, errno) : from_int(env, sent);
}

/* socketTellSenders(fd): from now on each datagram that is received tells who has sent it (SO_PASSCRED). */
static napi_value socket_tell_senders(napi_env env, napi_callback_info info) {
  napi_value values[1];
  int fd = -1, on = 1;
  if (!arguments(env, info, 1, values) || !to_int(env, values[0], &fd)) return NULL;
  if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) return failed(env, errno, "setsockopt");
  return undefined(env);
}

/* Adds descriptors that came to an array, or closes them: not `whole` are those of a message of which something is missing. */
static void take_descriptors(napi_env env, const struct cmsghdr* header, napi_value fds, uint32_t* known, bool whole) {
  size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  for (size_t index = 0; index < count; index++) {
    int received;
    memcpy(&received, CMSG_DATA(header) + index * sizeof(int), sizeof received);
    /* An array that takes nothing gets none either. */
    if (!whole || napi_set_element(env, fds, (*known)++, from_descriptor(env, received)) != napi_ok)
      descriptor_end(env, received);
  }
}

/* `who`: three words for the sender, which stay as they are where the system does not tell; NULL: nobody asks. */
static napi_value receive(napi_env env, int fd, struct span span, napi_value fds, uint32_t* who) {
  uint32_t known = 0;
  if (napi_get_array_length(env, fds, &known) != napi_ok) return NULL;
  union {
    char room[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX) + CMSG_SPACE(sizeof(struct ucred))];
    struct cmsghdr align;
  } control;
  struct iovec part = {.iov_base = span.bytes, .iov_len = span.length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control};
  ssize_t got;
  do got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  if (got < 0) return refused(env, errno);
  bool whole = (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) == 0;
  for (struct cmsghdr* header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET) continue;
    if (header->cmsg_type == SCM_RIGHTS) take_descriptors(env, header, fds, &known, whole);
    if (header->cmsg_type == SCM_CREDENTIALS && who != NULL) {
      struct ucred sender;
      memcpy(&sender, CMSG_DATA(header), sizeof sender);
      who[0] = (uint32_t)sender.pid;
      who[1] = sender.uid;
      who[2] = sender.gid;
    }
  }
  return whole ? from_int(env, got) : refused(env, EMSGSIZE);
}

static bool to_array(napi_env env, napi_value value) {
  bool is_array = false;
  if (napi_is_array(env, value, &is_array) == napi_ok && is_array) return true;
  napi_throw_type_error(env, NULL, "the descriptors are no array");
  return false;
}

/*
 * socketReceive(fd, into, from, to, fds): how many bytes came, or the negative number of an error. Descriptors that came along are
 * added to the array `fds`, closed in programs that are started. More than there is room for are closed, and EMSGSIZE is told, as
 * for a datagram that is longer than the room.
 */
static napi_value socket_receive(napi_env env, napi_callback_info info) {
  napi_value values[5];
  int fd = -1;
  struct span span;
  if (!arguments(env, info, 5, values) || !to_int(env, values[0], &fd) || !to_array(env, values[4]) ||
      !to_span(env, values + 1, &span))
    return NULL;
  return receive(env, fd, span, values[4], NULL);
}

/*
 * socketReceiveFrom(fd, into, from, to, fds, who): the same, and the three words of the Uint32Array `who` become pid, uid and gid of the
 * sender as the system knows them (SCM_CREDENTIALS): its real user and group when it sent, which only root can have said otherwise. Where
 * it does not tell they become 0, and twice 2^32 - 1, which is nobody; a process of another pid namespace has the pid 0 too.
 */
static napi_value socket_receive_from(napi_env env, napi_callback_info info) {
  napi_value values[6];
  int fd = -1;
  struct span span;
  napi_typedarray_type type;
  size_t words = 0;
  void* who = NULL;
  if (!arguments(env, info, 6, values) || !to_int(env, values[0], &fd) || !to_array(env, values[4])) return NULL;
  if (napi_get_typedarray_info(env, values[5], &type, &words, &who, NULL, NULL) != napi_ok || type != napi_uint32_array ||
      words < 3 || who == NULL) {
    napi_throw_type_error(env, NULL, "the last argument is no Uint32Array of three words");
    return NULL;
  }
  if (!to_span(env, values + 1, &span)) return NULL;
  memcpy(who, (uint32_t[]){0, UINT32_MAX, UINT32_MAX}, 3 * sizeof(uint32_t));
  return receive(env, fd, span, values[4], who);
}

bool socket_functions(napi_env env, napi_value exports) {
  return set_function(env, exports, "socketOpen", socket_open) &&
         set_function(env, exports, "socketPair", socket_pair) &&
         set_function(env, exports, "socketBind", socket_bind) &&
         set_function(env, exports, "socketConnect", socket_connect) &&
         set_function(env, exports, "socketListen", socket_listen) &&
         set_function(env, exports, "socketAccept", socket_accept) &&
         set_function(env, exports, "socketEnd", socket_end) && set_function(env, exports, "socketRoom", socket_room) &&
         set_function(env, exports, "socketPeer", socket_peer) &&
         set_function(env, exports, "socketSend", socket_send) &&
         set_function(env, exports, "socketReceive", socket_receive) &&
         set_function(env, exports, "socketReceiveFrom", socket_receive_from) &&
         set_function(env, exports, "socketTellSenders", socket_tell_senders) &&
         set_number(env, exports, "datagram", SOCK_DGRAM) && set_number(env, exports, "packet", SOCK_SEQPACKET) &&
         set_number(env, exports, "stream", SOCK_STREAM) && set_number(env, exports, "sendRoom", SO_SNDBUF) &&
         set_number(env, exports, "receiveRoom", SO_RCVBUF);
}
