/** Tests of the Java client that do not pass with us, each with its reason: docs/embedded-broker-compatibility.md tells them too. */
export const known: Readonly<Record<string, string>> = {
  "NoAutoRecoveryWhenTcpWindowIsFullTest.failureAndRecovery":
    "who does not read is kept as long as its heartbeats come, with nothing more delivered to it and little waiting for it; RabbitMQ ends its connection",
  "functional.PerQueueTTL.queueReDeclareSemanticNonEquivalence":
    "a double of 10.0 in a table is the same as the integer 10 here: both are numbers of JavaScript once they are read",
  "server.ChannelLimitNegotiation.openingTooManyChannels":
    "changes channel_max of a broker that runs, by Erlang; here it is the same as long as the server runs (nor does it pass with RabbitMQ 3.10 here)",
  "server.Firehose.firehose": "messages are not copied to amq.rabbitmq.trace",
  "server.LoopbackUsers.loopback":
    "changes who is let in from this machine only of a broker that runs, by Erlang; and needs it to listen at an outside address, which the servers of these tests never do (nor does it pass with RabbitMQ here)",
};
