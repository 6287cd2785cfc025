// One MQTT client with Paho C, which does what a test tells it on standard input. Tried with 1.3.12.
// The lines are described in Libraries/PeerProcess.cs.
// The main thread reads commands; the library's own threads call back.
// There is only one client, since the library takes seconds to notice the socket of a second.

#include "lines.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ALIASES = 16 };

static char *name;
static MQTTAsync handle;
static int version;
static bool told_closed;
static char *aliases[MOST_ALIASES + 1];

// What the library calls. The context of a call is the id of its command.

static void answer_reason(void *context, int reason)
{
    begin_line("id", context);
    put_number("reason", reason);
    end_line();
    free(context);
}

static void on_done(void *context, MQTTAsync_successData *data)
{
    (void)data;
    answer_reason(context, 0);
}

static void on_done5(void *context, MQTTAsync_successData5 *data)
{
    answer_reason(context, data ? (int)data->reasonCode : 0);
}

static void on_subscribed(void *context, MQTTAsync_successData *data)
{
    answer_reason(context, data->alt.qos);
}

static void on_connected(void *context, MQTTAsync_successData *data)
{
    begin_line("id", context);
    put_number("reason", 0);
    put_number("sessionPresent", data->alt.connect.sessionPresent);
    end_line();
    free(context);
}

static void on_connected5(void *context, MQTTAsync_successData5 *data)
{
    begin_line("id", context);
    put_number("reason", data->reasonCode);
    put_number("sessionPresent", data->alt.connect.sessionPresent);
    put_properties(&data->properties);
    end_line();
    free(context);
}

static void answer_failure(void *context, int reason, int code, const char *message)
{
    if (reason > 0) {
        answer_reason(context, reason);
        return;
    }
    answer_error(context, message ? message : "failed", code);
    free(context);
}

static void on_failure(void *context, MQTTAsync_failureData *data)
{
    // A positive code is one of CONNACK or SUBACK, a negative one the library's own.
    answer_failure(context, data ? data->code : 0, data ? data->code : 0, data ? data->message : NULL);
}

static void on_failure5(void *context, MQTTAsync_failureData5 *data)
{
    answer_failure(context, data ? (int)data->reasonCode : 0, data ? data->code : 0, data ? data->message : NULL);
}

static void tell_closed(int reason)
{
    if (told_closed)
        return;
    told_closed = true;
    begin_line("event", "closed");
    put_text("client", name, strlen(name));
    if (reason >= 0)
        put_number("reason", reason);
    end_line();
}

static void on_disconnected(void *context, MQTTProperties *properties, enum MQTTReasonCodes reason)
{
    (void)context;
    (void)properties;
    tell_closed((int)reason);
}

static void on_connection_lost(void *context, char *cause)
{
    (void)context;
    (void)cause;
    tell_closed(-1);
}

static int on_message(void *context, char *topic, int topic_length, MQTTAsync_message *message)
{
    (void)context;
    // A length of 0 says that the topic ends with its first 0 byte.
    size_t length = topic_length > 0 ? (size_t)topic_length : strlen(topic);
    const char *whole = topic;
    // Paho C leaves the server's Topic Aliases to its application.
    int alias = MQTTProperties_getNumericValue(&message->properties, MQTTPROPERTY_CODE_TOPIC_ALIAS);
    if (alias > 0 && alias <= MOST_ALIASES) {
        if (length > 0) {
            free(aliases[alias]);
            aliases[alias] = strndup(topic, length);
        } else if (aliases[alias]) {
            whole = aliases[alias];
            length = strlen(whole);
        }
    }
    begin_line("event", "message");
    put_text("client", name, strlen(name));
    put_number("qos", message->qos);
    put_number("retain", message->retained);
    put_number("dup", message->dup);
    put_text("topic", whole, length);
    put_properties(&message->properties);
    put_bytes("payload", message->payload, (size_t)message->payloadlen);
    end_line();
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
}

// Commands.

static MQTTAsync_responseOptions response(const char *id)
{
    MQTTAsync_responseOptions options = MQTTAsync_responseOptions_initializer;
    options.context = strdup(id);
    if (version == 5) {
        options.onSuccess5 = on_done5;
        options.onFailure5 = on_failure5;
    } else {
        options.onSuccess = on_done;
        options.onFailure = on_failure;
    }
    return options;
}

static int create(const Command *command)
{
    char uri[64];
    snprintf(uri, sizeof uri, "tcp://127.0.0.1:%d", number(command, "port"));
    MQTTAsync_createOptions options = MQTTAsync_createOptions_initializer;
    options.MQTTVersion = version;
    int code = MQTTAsync_createWithOptions(&handle, uri, need(command, "clientId"), MQTTCLIENT_PERSISTENCE_NONE, NULL, &options);
    if (code == MQTTASYNC_SUCCESS)
        code = MQTTAsync_setCallbacks(handle, NULL, on_connection_lost, on_message, NULL);
    if (code == MQTTASYNC_SUCCESS)
        code = MQTTAsync_setDisconnected(handle, NULL, on_disconnected);
    return code;
}

static int connect_client(const Command *command, const char *id)
{
    version = number(command, "version");
    told_closed = false;
    for (int i = 0; i <= MOST_ALIASES; i++) {
        free(aliases[i]);
        aliases[i] = NULL;
    }
    int code = handle ? MQTTASYNC_SUCCESS : create(command);
    if (code != MQTTASYNC_SUCCESS)
        return code;
    MQTTAsync_connectOptions options5 = MQTTAsync_connectOptions_initializer5;
    MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperties will_properties = MQTTProperties_initializer;
    MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
    if (version == 5) {
        options = options5;
        options.cleanstart = number(command, "clean");
        options.onSuccess5 = on_connected5;
        options.onFailure5 = on_failure5;
        properties = properties_of(command, "");
        options.connectProperties = &properties;
    } else {
        options.cleansession = number(command, "clean");
        options.onSuccess = on_connected;
        options.onFailure = on_failure;
    }
    options.MQTTVersion = version;
    options.context = strdup(id);
    if (find(command, "will.topic")) {
        char *payload = need(command, "will.payload");
        will.topicName = need(command, "will.topic");
        will.payload.len = bytes_from_hex(payload);
        will.payload.data = payload;
        will.qos = number(command, "will.qos");
        will.retained = number(command, "will.retain");
        options.will = &will;
        if (version == 5) {
            will_properties = properties_of(command, "will.");
            options.willProperties = &will_properties;
        }
    }
    code = MQTTAsync_connect(handle, &options);
    MQTTProperties_free(&properties);
    MQTTProperties_free(&will_properties);
    return code;
}

static int subscribe(const Command *command, const char *id)
{
    MQTTAsync_responseOptions options = response(id);
    if (version == 5) {
        options.properties = properties_of(command, "");
        options.subscribeOptions.noLocal = (unsigned char)number(command, "noLocal");
        options.subscribeOptions.retainAsPublished = (unsigned char)number(command, "retainAsPublished");
        options.subscribeOptions.retainHandling = (unsigned char)number(command, "retainHandling");
    } else {
        options.onSuccess = on_subscribed;
    }
    int code = MQTTAsync_subscribe(handle, need(command, "filter"), number(command, "qos"), &options);
    MQTTProperties_free(&options.properties);
    return code;
}

static int unsubscribe(const Command *command, const char *id)
{
    MQTTAsync_responseOptions options = response(id);
    return MQTTAsync_unsubscribe(handle, need(command, "filter"), &options);
}

static int publish(const Command *command, const char *id)
{
    MQTTAsync_responseOptions options = response(id);
    MQTTAsync_message message = MQTTAsync_message_initializer;
    char *payload = need(command, "payload");
    message.payloadlen = bytes_from_hex(payload);
    message.payload = payload;
    message.qos = number(command, "qos");
    message.retained = number(command, "retain");
    if (version == 5)
        message.properties = properties_of(command, "");
    int code = MQTTAsync_sendMessage(handle, need(command, "topic"), &message, &options);
    MQTTProperties_free(&message.properties);
    return code;
}

static int disconnect(const Command *command, const char *id)
{
    MQTTAsync_disconnectOptions options = MQTTAsync_disconnectOptions_initializer;
    MQTTAsync_disconnectOptions options5 = MQTTAsync_disconnectOptions_initializer5;
    if (version == 5) {
        options = options5;
        options.reasonCode = (enum MQTTReasonCodes)number(command, "reason");
        options.properties = properties_of(command, "");
        options.onSuccess5 = on_done5;
        options.onFailure5 = on_failure5;
    } else {
        options.onSuccess = on_done;
        options.onFailure = on_failure;
    }
    options.timeout = 1000;
    options.context = strdup(id);
    int code = MQTTAsync_disconnect(handle, &options);
    MQTTProperties_free(&options.properties);
    return code;
}

static int forget(const char *id)
{
    MQTTAsync_destroy(&handle);
    begin_line("id", id);
    end_line();
    return MQTTASYNC_SUCCESS;
}

static int carry_out(const Command *command, const char *what, const char *id)
{
    if (!name)
        name = strdup(need(command, "client"));
    if (!strcmp(what, "connect"))
        return connect_client(command, id);
    if (!strcmp(what, "subscribe"))
        return subscribe(command, id);
    if (!strcmp(what, "unsubscribe"))
        return unsubscribe(command, id);
    if (!strcmp(what, "publish"))
        return publish(command, id);
    if (!strcmp(what, "disconnect"))
        return disconnect(command, id);
    if (!strcmp(what, "forget"))
        return forget(id);
    fail("There is no such command.");
    return MQTTASYNC_FAILURE;
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t length; (length = getline(&line, &capacity, stdin)) > 0;) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        Command command = parse(line);
        const char *what = need(&command, "do");
        const char *id = need(&command, "id");
        // Otherwise the library calls back.
        int code = carry_out(&command, what, id);
        if (code != MQTTASYNC_SUCCESS)
            answer_error(id, what, code);
    }
    free(line);
    return 0;
}
