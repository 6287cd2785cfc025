#include "lines.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;

void fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static void put_encoded(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (isalnum(byte) || byte == '-' || byte == '_' || byte == '.')
            putchar(byte);
        else
            printf("%%%02X", byte);
    }
}

void put_text(const char *key, const char *text, size_t length)
{
    printf("&%s=", key);
    put_encoded(text, length);
}

void put_bytes(const char *key, const void *bytes, size_t length)
{
    printf("&%s=", key);
    for (size_t i = 0; i < length; i++)
        printf("%02x", ((const unsigned char *)bytes)[i]);
}

void put_number(const char *key, long number)
{
    printf("&%s=%ld", key, number);
}

void begin_line(const char *key, const char *value)
{
    pthread_mutex_lock(&output);
    printf("%s=", key);
    put_encoded(value, strlen(value));
}

void end_line(void)
{
    putchar('\n');
    fflush(stdout);
    pthread_mutex_unlock(&output);
}

void answer_error(const char *id, const char *what, int code)
{
    begin_line("id", id);
    const char *meaning = MQTTAsync_strerror(code);
    char error[256];
    int length = snprintf(error, sizeof error, "%s: %s (%d)", what, meaning ? meaning : "no name", code);
    put_text("error", error, (size_t)length < sizeof error ? (size_t)length : sizeof error - 1);
    end_line();
}

static int hex_digit(char digit)
{
    return isdigit((unsigned char)digit) ? digit - '0' : tolower((unsigned char)digit) - 'a' + 10;
}

// In place: what it gives is never longer.
static char *decode(char *text)
{
    char *to = text;
    for (char *from = text; *from; to++) {
        if (*from == '%' && from[1] && from[2]) {
            *to = (char)(hex_digit(from[1]) << 4 | hex_digit(from[2]));
            from += 3;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
    return text;
}

Command parse(char *line)
{
    Command command = { .count = 0 };
    char *rest = line;
    for (char *pair; (pair = strsep(&rest, "&")) != NULL;) {
        if (command.count == MOST_FIELDS)
            fail("A command has more fields than this program takes.");
        char *key = strsep(&pair, "=");
        command.fields[command.count++] = (Field){ decode(key), decode(pair ? pair : key + strlen(key)) };
    }
    return command;
}

char *find(const Command *command, const char *key)
{
    for (int i = 0; i < command->count; i++)
        if (!strcmp(command->fields[i].key, key))
            return command->fields[i].value;
    return NULL;
}

char *need(const Command *command, const char *key)
{
    char *value = find(command, key);
    if (!value)
        fail(key);
    return value;
}

int number(const Command *command, const char *key)
{
    char *value = find(command, key);
    return value ? atoi(value) : 0;
}

int bytes_from_hex(char *hex)
{
    int length = (int)strlen(hex) / 2;
    for (int i = 0; i < length; i++)
        hex[i] = (char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
    return length;
}

// Properties.

static const struct {
    const char *key;
    enum MQTTPropertyCodes code;
} properties_by_key[] = {
    { "payloadFormat", MQTTPROPERTY_CODE_PAYLOAD_FORMAT_INDICATOR },
    { "messageExpiry", MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL },
    { "contentType", MQTTPROPERTY_CODE_CONTENT_TYPE },
    { "responseTopic", MQTTPROPERTY_CODE_RESPONSE_TOPIC },
    { "correlationData", MQTTPROPERTY_CODE_CORRELATION_DATA },
    { "subscriptionIdentifier", MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIER },
    { "sessionExpiry", MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL },
    { "delay", MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL },
    { "requestResponseInformation", MQTTPROPERTY_CODE_REQUEST_RESPONSE_INFORMATION },
    { "responseInformation", MQTTPROPERTY_CODE_RESPONSE_INFORMATION },
    { "receiveMaximum", MQTTPROPERTY_CODE_RECEIVE_MAXIMUM },
    { "topicAliasMaximum", MQTTPROPERTY_CODE_TOPIC_ALIAS_MAXIMUM },
    { "topicAlias", MQTTPROPERTY_CODE_TOPIC_ALIAS },
    { "user", MQTTPROPERTY_CODE_USER_PROPERTY },
    { "maximumPacketSize", MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE },
};

static void add_property(MQTTProperties *properties, enum MQTTPropertyCodes code, char *value)
{
    MQTTProperty property = { .identifier = code };
    unsigned long as_number = strtoul(value, NULL, 10);
    switch (MQTTProperty_getType(code)) {
    case MQTTPROPERTY_TYPE_BYTE:
        property.value.byte = (unsigned char)as_number;
        break;
    case MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER:
        property.value.integer2 = (unsigned short)as_number;
        break;
    case MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER:
    case MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER:
        property.value.integer4 = (unsigned int)as_number;
        break;
    case MQTTPROPERTY_TYPE_BINARY_DATA:
        property.value.data = (MQTTLenString){ bytes_from_hex(value), value };
        break;
    case MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR: {
        char *equals = strchr(value, '=');
        property.value.data = (MQTTLenString){ (int)(equals - value), value };
        property.value.value = (MQTTLenString){ (int)strlen(equals + 1), equals + 1 };
        break;
    }
    default:
        property.value.data = (MQTTLenString){ (int)strlen(value), value };
        break;
    }
    if (MQTTProperties_add(properties, &property))
        fail("A property could not be added.");
}

MQTTProperties properties_of(const Command *command, const char *prefix)
{
    MQTTProperties properties = MQTTProperties_initializer;
    for (int i = 0; i < command->count; i++) {
        const char *key = command->fields[i].key;
        if (strncmp(key, prefix, strlen(prefix)))
            continue;
        for (size_t p = 0; p < sizeof properties_by_key / sizeof *properties_by_key; p++)
            if (!strcmp(key + strlen(prefix), properties_by_key[p].key))
                add_property(&properties, properties_by_key[p].code, command->fields[i].value);
    }
    return properties;
}

void put_properties(const MQTTProperties *properties)
{
    for (int i = 0; i < properties->count; i++) {
        const MQTTProperty *property = &properties->array[i];
        const char *key = NULL;
        for (size_t p = 0; p < sizeof properties_by_key / sizeof *properties_by_key; p++)
            if (properties_by_key[p].code == property->identifier)
                key = properties_by_key[p].key;
        if (!key)
            continue;
        switch (MQTTProperty_getType(property->identifier)) {
        case MQTTPROPERTY_TYPE_BYTE:
            put_number(key, property->value.byte);
            break;
        case MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER:
            put_number(key, property->value.integer2);
            break;
        case MQTTPROPERTY_TYPE_FOUR_BYTE_INTEGER:
        case MQTTPROPERTY_TYPE_VARIABLE_BYTE_INTEGER:
            put_number(key, property->value.integer4);
            break;
        case MQTTPROPERTY_TYPE_BINARY_DATA:
            put_bytes(key, property->value.data.data, (size_t)property->value.data.len);
            break;
        case MQTTPROPERTY_TYPE_UTF_8_STRING_PAIR:
            put_text(key, property->value.data.data, (size_t)property->value.data.len);
            put_encoded("=", 1);
            put_encoded(property->value.value.data, (size_t)property->value.value.len);
            break;
        default:
            put_text(key, property->value.data.data, (size_t)property->value.data.len);
            break;
        }
    }
}
