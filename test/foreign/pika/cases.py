"""What pika's acceptance tests (tests/acceptance/blocking_adapter_test.py, async_adapter_tests.py) ask of a broker, in few words.

`python cases.py URL` prints a line of JSON for each case: {"case", "ok", "why"}.
"""

import functools
import json
import sys
import threading
import time
import traceback
import uuid

import pika
from pika.exceptions import (
    AMQPConnectionError,
    ChannelClosed,
    ChannelClosedByBroker,
    NackError,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    UnroutableError,
)

url = sys.argv[1]
endsWithinS = 15
cases = []


def case(function):
    cases.append(function)
    return function


def unique(word):
    return f"pika-{word}-{uuid.uuid4().hex[:8]}"


def connect(**changes):
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = endsWithinS
    parameters.blocked_connection_timeout = endsWithinS
    for name, value in changes.items():
        setattr(parameters, name, value)
    connection = pika.BlockingConnection(parameters)
    connection.call_later(endsWithinS, functools.partial(late, connection))
    return connection


def late(connection):
    raise AssertionError("it took too long")


def with_channel(run):
    """A case with a connection and a channel, in which what is published is confirmed."""

    @functools.wraps(run)
    def whole():
        with connect() as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            run(connection, channel)

    return whole


def queue(channel, **options):
    name = unique("queue")
    channel.queue_declare(name, exclusive=True, **options)
    return name


def send(channel, to, *bodies):
    for body in bodies:
        channel.basic_publish("", to, body, mandatory=True)


def count(channel, name):
    return channel.queue_declare(name, passive=True).method.message_count


def holds(channel, name, expected):
    """What is settled is settled soon, but nobody says when."""
    until = time.monotonic() + endsWithinS
    while count(channel, name) != expected and time.monotonic() < until:
        pass
    equal(count(channel, name), expected)


def taken(channel, name):
    method, _, body = channel.basic_get(name, auto_ack=False)
    return method, body


def equal(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def closes(code, act):
    try:
        act()
    except ChannelClosedByBroker as error:
        equal(error.reply_code, code)
        return error
    raise AssertionError(f"the channel was not closed with {code}")


# --- connections ------------------------------------------------------------------------------------------------------


@case
def a_connection_opens_and_closes():
    connection = connect()
    assert connection.is_open
    connection.close()
    assert connection.is_closed


@case
def a_connection_tells_what_the_broker_can():
    with connect() as connection:
        for able in (
            "basic_nack_supported",
            "consumer_cancel_notify_supported",
            "exchange_exchange_bindings_supported",
            "publisher_confirms_supported",
        ):
            assert getattr(connection, able), able


@case
def the_second_of_two_addresses_is_taken():
    bad = pika.URLParameters("amqp://guest:guest@127.0.0.1:1/%2f?socket_timeout=1")
    connection = pika.BlockingConnection([bad, pika.URLParameters(url)])
    assert connection.is_open
    connection.close()


@case
def a_wrong_password_is_refused():
    try:
        connect(credentials=pika.PlainCredentials("it", "wrong"))
    except (ProbableAuthenticationError, AMQPConnectionError) as error:
        assert "ACCESS_REFUSED" in repr(error), repr(error)
        return
    raise AssertionError("it was let in")


@case
def an_unknown_virtual_host_is_refused():
    try:
        connect(virtual_host=unique("nowhere"))
    except (ProbableAccessDeniedError, AMQPConnectionError):
        return
    raise AssertionError("it was let in")


@case
def heartbeat_frames_and_channels_are_agreed_on():
    with connect(heartbeat=7, frame_max=8192, channel_max=12) as connection:
        agreed = connection._impl.params
        equal((agreed.heartbeat, agreed.frame_max, agreed.channel_max), (7, 8192, 12))


@case
def heartbeats_keep_a_connection_that_only_waits():
    with connect(heartbeat=1) as connection:
        connection.process_data_events(time_limit=3)
        assert connection.is_open
        connection.channel().close()


@case
def no_more_channels_than_agreed_on():
    with connect(channel_max=1) as connection:
        connection.channel()
        try:
            connection.channel()
        except Exception as error:
            assert "channel" in repr(error).lower(), repr(error)
            return
        raise AssertionError("there was a second channel")


@case
def another_secret_is_taken():
    with connect() as connection:
        channel = connection.channel()
        connection.update_secret("another", "no reason")
        assert channel.is_open


@case
def a_connection_with_a_consumer_closes():
    connection = connect()
    channel = connection.channel()
    name = queue(channel)
    channel.basic_publish("", name, b"a" * 1024)
    channel.basic_consume(name, lambda *_: None, auto_ack=True)
    connection.close()
    assert connection.is_closed


@case
def a_channel_is_opened_with_the_number_of_one_that_was_closed():
    with connect() as connection:
        for _ in range(50):
            channel = connection.channel(5)
            channel.queue_declare("", exclusive=True)
            channel.close()


# --- exchanges and queues ----------------------------------------------------------------------------------------------


@case
@with_channel
def an_exchange_is_declared_found_and_deleted(connection, channel):
    name = unique("exchange")
    channel.exchange_declare(name, exchange_type="direct")
    channel.exchange_declare(name, passive=True)
    channel.exchange_delete(name)
    closes(404, lambda: channel.exchange_declare(name, passive=True))


@case
@with_channel
def an_exchange_is_not_declared_again_otherwise(connection, channel):
    name = unique("exchange")
    channel.exchange_declare(name, exchange_type="direct", auto_delete=True)
    closes(406, lambda: channel.exchange_declare(name, exchange_type="fanout", auto_delete=True))
    connection.channel().exchange_delete(name)


@case
def an_unknown_type_of_exchange_is_refused():
    connection = connect()
    try:
        connection.channel().exchange_declare(unique("exchange"), exchange_type="no-such-type")
    except (ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker) as error:
        assert error.reply_code in (406, 503), repr(error)
        return
    raise AssertionError("it was declared")


@case
@with_channel
def a_reserved_name_is_refused(connection, channel):
    closes(403, lambda: channel.exchange_declare("amq.mine", exchange_type="direct"))


@case
@with_channel
def a_message_goes_by_the_binding_of_two_exchanges(connection, channel):
    source, target, name = unique("source"), unique("target"), queue(channel)
    channel.exchange_declare(source, exchange_type="direct")
    channel.exchange_declare(target, exchange_type="direct")
    channel.queue_bind(name, target, "key")
    unroutable(channel, source, "key")
    channel.exchange_bind(target, source, "key")
    channel.basic_publish(source, "key", b"one", mandatory=True)
    holds(channel, name, 1)
    channel.exchange_unbind(target, source, "key")
    unroutable(channel, source, "key")
    channel.exchange_delete(source)
    channel.exchange_delete(target)


def unroutable(channel, exchange, key, **properties):
    try:
        channel.basic_publish(exchange, key, b"", pika.BasicProperties(**properties), mandatory=True)
    except UnroutableError as error:
        return error.messages
    raise AssertionError("it was routed")


@case
@with_channel
def a_queue_is_declared_found_and_deleted(connection, channel):
    name = queue(channel)
    holds(channel, name, 0)
    channel.queue_delete(name)
    closes(404, lambda: channel.queue_declare(name, passive=True))


@case
@with_channel
def a_queue_is_not_declared_again_otherwise(connection, channel):
    name = queue(channel, arguments={"x-message-ttl": 60_000})
    error = closes(406, lambda: channel.queue_declare(name, exclusive=True))
    assert "inequivalent arg 'x-message-ttl'" in error.reply_text, error.reply_text


@case
@with_channel
def a_queue_is_bound_unbound_and_purged(connection, channel):
    exchange, name = unique("exchange"), queue(channel)
    channel.exchange_declare(exchange, exchange_type="direct")
    channel.queue_bind(name, exchange, "key")
    channel.basic_publish(exchange, "key", b"one", mandatory=True)
    holds(channel, name, 1)
    channel.queue_unbind(name, exchange, "key")
    unroutable(channel, exchange, "key")
    equal(channel.queue_purge(name).method.message_count, 1)
    holds(channel, name, 0)
    channel.exchange_delete(exchange)


@case
@with_channel
def a_topic_exchange_knows_words_and_wildcards(connection, channel):
    exchange, name = unique("exchange"), queue(channel)
    channel.exchange_declare(exchange, exchange_type="topic")
    for key in ("a.*.c", "x.#"):
        channel.queue_bind(name, exchange, key)
    for key in ("a.b.c", "x", "x.y.z"):
        channel.basic_publish(exchange, key, b"", mandatory=True)
    for key in ("a.c", "a.b.b.c", "y"):
        unroutable(channel, exchange, key)
    holds(channel, name, 3)
    channel.exchange_delete(exchange)


@case
@with_channel
def a_headers_exchange_matches_all_or_any(connection, channel):
    exchange, every, some = unique("exchange"), queue(channel), queue(channel)
    channel.exchange_declare(exchange, exchange_type="headers")
    channel.queue_bind(every, exchange, "", {"x-match": "all", "a": 1, "b": "two"})
    channel.queue_bind(some, exchange, "", {"x-match": "any", "a": 1, "b": "two"})
    for headers in ({"a": 1, "b": "two", "c": 3}, {"a": 1}, {"a": 2, "b": "two"}):
        channel.basic_publish(exchange, "", b"", pika.BasicProperties(headers=headers), mandatory=True)
    unroutable(channel, exchange, "", headers={"a": 2})
    holds(channel, every, 1)
    holds(channel, some, 3)
    channel.exchange_delete(exchange)


# --- getting -----------------------------------------------------------------------------------------------------------


@case
@with_channel
def a_message_is_got_with_its_properties(connection, channel):
    name = queue(channel)
    equal(channel.basic_get(name), (None, None, None))
    send(channel, name, b"one")
    method, properties, body = channel.basic_get(name)
    equal((method.delivery_tag, method.redelivered, method.exchange), (1, False, ""))
    equal((method.routing_key, method.message_count, body), (name, 0, b"one"))
    assert properties.headers is None
    channel.basic_ack(method.delivery_tag)
    holds(channel, name, 0)


@case
@with_channel
def headers_of_all_kinds_come_as_they_went(connection, channel):
    from datetime import datetime, timezone
    from decimal import Decimal

    name = queue(channel)
    headers = {
        **{"text": "žluť", "bytes": b"\x00\xff", "small": -1, "big": 2**40, "yes": True},
        **{"none": None, "list": [1, "two", [False]], "table": {"a": {"b": 1}}},
        **{"decimal": Decimal("3.14"), "at": datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)},
    }
    properties = pika.BasicProperties(headers=headers, delivery_mode=2, message_id="m", timestamp=7)
    channel.basic_publish("", name, b"", properties, mandatory=True)
    _, found, _ = channel.basic_get(name, auto_ack=True)
    found.headers["at"] = found.headers["at"].replace(tzinfo=timezone.utc)
    equal(found.headers, headers)
    equal((found.delivery_mode, found.message_id, found.timestamp), (2, "m", 7))


def put_back(how):
    @with_channel
    def run(connection, channel):
        name = queue(channel)
        send(channel, name, b"one", b"two")
        taken(channel, name)
        second, body = taken(channel, name)
        equal(body, b"two")
        getattr(channel, how)(second.delivery_tag, requeue=True)
        holds(channel, name, 1)
        again, body = taken(channel, name)
        equal((body, again.redelivered), (b"two", True))
        getattr(channel, how)(again.delivery_tag, requeue=False)
        holds(channel, name, 0)

    return run


@case
def a_message_is_rejected():
    put_back("basic_reject")()


@case
def a_message_is_nacked():
    put_back("basic_nack")()


@case
@with_channel
def several_messages_are_nacked_at_once(connection, channel):
    name = queue(channel)
    send(channel, name, b"one", b"two", b"three")
    taken(channel, name)
    second, _ = taken(channel, name)
    channel.basic_nack(second.delivery_tag, multiple=True)
    holds(channel, name, 3)
    equal([taken(channel, name)[1] for _ in range(3)], [b"one", b"two", b"three"])


@case
@with_channel
def a_delivery_that_is_unknown_closes_the_channel(connection, channel):
    channel.basic_ack(99)
    error = closes(406, lambda: channel.queue_declare("", exclusive=True))
    equal(error.reply_text, "PRECONDITION_FAILED - unknown delivery tag 99")


@case
@with_channel
def a_delivery_is_settled_once(connection, channel):
    name = queue(channel)
    send(channel, name, b"one")
    method, _ = taken(channel, name)
    channel.basic_ack(method.delivery_tag)
    channel.basic_ack(method.delivery_tag)
    closes(406, lambda: channel.queue_declare("", exclusive=True))


@case
@with_channel
def what_was_delivered_is_recovered(connection, channel):
    name = queue(channel)
    send(channel, name, b"one", b"two")
    seen = []
    for number, (method, _, body) in enumerate(channel.consume(name), start=1):
        if number == 2:
            channel.basic_recover(requeue=True)
        if number > 2:
            seen.append((body, method.redelivered))
        if number == 4:
            break
    equal(seen, [(b"one", True), (b"two", True)])


# --- transactions ------------------------------------------------------------------------------------------------------


@case
def what_is_committed_is_there():
    with connect() as connection:
        channel = connection.channel()
        name = queue(channel)
        channel.tx_select()
        channel.basic_publish("", name, b"one")
        equal(count(channel, name), 0)
        channel.tx_commit()
        equal(taken(channel, name)[1], b"one")


@case
@with_channel
def nothing_is_committed_without_a_transaction(connection, channel):
    closes(406, lambda: connection.channel().tx_commit())
    closes(406, lambda: connection.channel().tx_rollback())


@case
def what_is_rolled_back_never_was():
    with connect() as connection:
        channel = connection.channel()
        name = queue(channel)
        channel.basic_publish("", name, b"before")
        channel.tx_select()
        method, _ = taken(channel, name)
        channel.basic_publish("", name, b"one")
        channel.basic_ack(method.delivery_tag)
        channel.tx_rollback()
        equal(count(channel, name), 0)
        channel.basic_nack(method.delivery_tag)
        channel.tx_commit()
        equal(taken(channel, name)[1], b"before")


# --- publishing --------------------------------------------------------------------------------------------------------


@case
@with_channel
def an_unroutable_message_comes_back_whole(connection, channel):
    exchange = unique("exchange")
    channel.exchange_declare(exchange, exchange_type="direct")
    [message] = unroutable(channel, exchange, "key", headers={"name": "value"})
    method = message.method
    equal((method.reply_code, method.exchange, method.routing_key), (312, exchange, "key"))
    equal((message.properties.headers, message.body), ({"name": "value"}, b""))
    channel.exchange_delete(exchange)


@case
def an_unroutable_message_comes_back_without_receipts():
    with connect() as connection:
        channel = connection.channel()
        name = queue(channel)
        returned = []
        channel.add_on_return_callback(lambda *args: returned.append(args))
        channel.basic_publish("", unique("nowhere"), b"one", mandatory=True)
        channel.basic_publish("", name, b"two", mandatory=True)
        channel.basic_publish("", unique("nowhere"), b"three", mandatory=True)
        while len(returned) < 2:
            connection.process_data_events(time_limit=1)
        equal([body for _, _, _, body in returned], [b"one", b"three"])
        channel.confirm_delivery()
        send(channel, name, b"four")
        holds(channel, name, 2)


@case
@with_channel
def what_is_immediate_is_not_implemented(connection, channel):
    # pika has no such argument any more, so that the method is sent by hand.
    channel._impl._send_method(
        pika.spec.Basic.Publish(exchange="", routing_key="any", immediate=True),
        (pika.BasicProperties(), b""),
    )
    try:
        channel.queue_declare("", exclusive=True)
    except (ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker) as error:
        equal(error.reply_code, 540)
        return
    raise AssertionError("it was accepted")


@case
@with_channel
def a_full_queue_refuses(connection, channel):
    name = queue(channel, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    send(channel, name, b"one")
    try:
        send(channel, name, b"two")
    except NackError:
        holds(channel, name, 1)
        return
    raise AssertionError("it was confirmed")


@case
@with_channel
def a_huge_message_comes_whole(connection, channel):
    name, body = queue(channel), b"x" * 2_000_000
    send(channel, name, body)
    equal(taken(channel, name)[1] == body, True)


@case
def thousands_of_messages_come_in_order():
    with connect() as connection:
        channel = connection.channel()
        name = queue(channel)
        for number in range(5_000):
            channel.basic_publish("", name, str(number).encode())
        numbers = []
        for method, _, body in channel.consume(name, auto_ack=True):
            numbers.append(int(body))
            if len(numbers) == 5_000:
                break
        equal(numbers, list(range(5_000)))
        channel.cancel()
        holds(channel, name, 0)


# --- consuming ---------------------------------------------------------------------------------------------------------


@case
@with_channel
def nobody_consumes_from_what_is_not_there(connection, channel):
    closes(404, lambda: channel.basic_consume(unique("nowhere"), lambda *_: None))


@case
@with_channel
def one_at_a_time_with_a_prefetch_of_one(connection, channel):
    exchange, name = unique("exchange"), queue(channel)
    channel.exchange_declare(exchange, exchange_type="direct")
    channel.queue_bind(name, exchange, "key")
    channel.basic_qos(prefetch_count=1)
    for body in (b"one", b"two"):
        channel.basic_publish(exchange, "key", body, mandatory=True)
    seen = []
    channel.basic_consume(name, lambda c, m, p, body: seen.append((m, body)))
    while not seen:
        connection.process_data_events(time_limit=1)
    holds(channel, name, 1)
    equal(len(seen), 1)
    channel.basic_ack(seen[0][0].delivery_tag)
    while len(seen) < 2:
        connection.process_data_events(time_limit=1)
    equal((seen[1][0].delivery_tag, seen[1][1]), (2, b"two"))
    channel.exchange_delete(exchange)


@case
@with_channel
def two_consumers_of_one_channel_get_their_own(connection, channel):
    one, two = queue(channel), queue(channel)
    seen = {one: [], two: []}
    tags = {
        channel.basic_consume(name, lambda c, m, p, b, name=name: seen[name].append((m.consumer_tag, b)), True): name
        for name in (one, two)
    }
    send(channel, one, b"a")
    send(channel, two, b"b", b"c")
    while len(seen[one]) + len(seen[two]) < 3:
        connection.process_data_events(time_limit=1)
    equal([body for _, body in seen[one]], [b"a"])
    equal([body for _, body in seen[two]], [b"b", b"c"])
    for name in (one, two):
        assert all(tags[tag] == name for tag, _ in seen[name])
    for tag in list(tags):
        equal(channel.basic_cancel(tag), [])


@case
@with_channel
def a_callback_publishes_and_stops(connection, channel):
    source, target = queue(channel), queue(channel)

    def forward(of, method, properties, body):
        send(channel, target, body + b"!")
        of.basic_ack(method.delivery_tag)
        of.stop_consuming()

    channel.basic_consume(source, forward)
    send(channel, source, b"one")
    channel.start_consuming()
    equal(taken(channel, target)[1], b"one!")
    holds(channel, source, 0)


@case
@with_channel
def another_thread_acknowledges(connection, channel):
    name = queue(channel)
    channel.basic_qos(prefetch_count=1)

    def take(of, method, properties, body):
        def ack():
            of.basic_ack(method.delivery_tag)
            if body == b"last":
                of.stop_consuming()

        threading.Thread(target=connection.add_callback_threadsafe, args=(ack,)).start()

    send(channel, name, b"one", b"two", b"last")
    channel.basic_consume(name, take)
    channel.start_consuming()
    holds(channel, name, 0)


@case
@with_channel
def an_error_ends_consuming(connection, channel):
    name = queue(channel)
    channel.basic_consume(name, lambda *_: None)
    connection.call_later(0, lambda: channel._impl.queue_declare(unique("nowhere"), passive=True))
    try:
        channel.start_consuming()
    except ChannelClosed as error:
        equal(error.reply_code, 404)
        return
    raise AssertionError("it went on")


@case
@with_channel
def consuming_ends_when_the_queue_is_deleted(connection, channel):
    name = queue(channel)
    other = connection.channel()
    channel.basic_consume(name, lambda *_: None)
    connection.call_later(0, lambda: other._impl.queue_delete(name, callback=lambda _: None))
    channel.start_consuming()


@case
@with_channel
def a_generator_ends_when_the_queue_is_deleted(connection, channel):
    name = queue(channel)
    equal(next(channel.consume(name, inactivity_timeout=0.01)), (None, None, None))
    channel.queue_delete(name)
    for _ in channel.consume(name):
        raise AssertionError("there was a message")


def cancelled(auto_ack):
    @with_channel
    def run(connection, channel):
        name = queue(channel)
        send(channel, name, b"one", b"two")
        tag = channel.basic_consume(name, lambda *_: None, auto_ack=auto_ack)
        # Both are here, and nobody has seen them.
        channel.queue_declare(name, passive=True)
        pending = channel.basic_cancel(tag)
        equal(len(pending), 2 if auto_ack else 0)
        channel.close()
        holds(connection.channel(), name, 0 if auto_ack else 2)

    return run


@case
def what_a_cancelled_consumer_need_not_acknowledge_is_gone():
    cancelled(True)()


@case
def what_a_cancelled_consumer_did_not_acknowledge_comes_back():
    cancelled(False)()


@case
@with_channel
def what_a_closed_channel_did_not_acknowledge_comes_back(connection, channel):
    name = queue(channel)
    send(channel, name, b"one", b"two")
    taken(channel, name)
    channel.basic_get(name, auto_ack=True)
    channel.close()
    other = connection.channel()
    holds(other, name, 1)
    method, body = taken(other, name)
    equal((body, method.redelivered), (b"one", True))


@case
@with_channel
def a_channel_flows(connection, channel):
    equal(channel.flow(True), True)


@case
@with_channel
def an_exclusive_consumer_is_alone(connection, channel):
    name = queue(channel)
    channel.basic_consume(name, lambda *_: None, exclusive=True)
    closes(403, lambda: channel.basic_consume(name, lambda *_: None))


@case
@with_channel
def a_consumer_tag_is_not_used_twice(connection, channel):
    name = queue(channel)
    channel.basic_consume(name, lambda *_: None, consumer_tag="mine")
    try:
        channel._impl._send_method(pika.spec.Basic.Consume(queue=name, consumer_tag="mine"))
        channel.queue_declare(name, passive=True)
    except (ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker) as error:
        equal(error.reply_code, 530)
        return
    raise AssertionError("it was used twice")


@case
@with_channel
def the_higher_priority_comes_first(connection, channel):
    name = queue(channel, arguments={"x-max-priority": 5})
    for priority, body in ((1, b"low"), (5, b"high"), (3, b"middle"), (9, b"too high")):
        channel.basic_publish("", name, body, pika.BasicProperties(priority=priority), mandatory=True)
    equal([taken(channel, name)[1] for _ in range(4)], [b"high", b"too high", b"middle", b"low"])


@case
@with_channel
def an_expired_message_is_dead_lettered(connection, channel):
    grave = queue(channel)
    name = queue(
        channel,
        arguments={"x-message-ttl": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": grave},
    )
    channel.basic_publish("", name, b"one", mandatory=True)
    for method, properties, body in channel.consume(grave, auto_ack=True):
        [death] = properties.headers["x-death"]
        equal((body, death["reason"], death["queue"], death["count"]), (b"one", "expired", name, 1))
        equal(properties.headers["x-first-death-reason"], "expired")
        break


@case
@with_channel
def a_direct_reply_comes(connection, channel):
    name = queue(channel)
    answers = []
    channel.basic_consume("amq.rabbitmq.reply-to", lambda c, m, p, body: answers.append((p, body)), auto_ack=True)
    channel.basic_publish("", name, b"ask", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", correlation_id="1"))
    _, properties, _ = channel.basic_get(name, auto_ack=True)
    assert properties.reply_to.startswith("amq.rabbitmq.reply-to."), properties.reply_to
    channel.basic_publish("", properties.reply_to, b"answer", pika.BasicProperties(correlation_id="1"))
    while not answers:
        connection.process_data_events(time_limit=1)
    equal((answers[0][0].correlation_id, answers[0][1]), ("1", b"answer"))


def main():
    for run in cases:
        name = run.__name__.replace("_", " ")
        try:
            run()
            told = {"case": name, "ok": True}
        except BaseException as error:
            why = "".join(traceback.format_exception_only(type(error), error)).strip()
            told = {"case": name, "ok": False, "why": why or repr(error)}
        print(json.dumps(told), flush=True)


main()
