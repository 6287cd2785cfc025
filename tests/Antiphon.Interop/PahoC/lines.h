// Lines between the tests and the program: pairs of key and value, percent-encoded. They are described in Libraries/PeerProcess.cs.

#include <stddef.h>
#include <MQTTAsync.h>

enum { MOST_FIELDS = 64 };

typedef struct {
    char *key;
    char *value;
} Field;

typedef struct {
    Field fields[MOST_FIELDS];
    int count;
} Command;

// Ends the program with the reason.
void fail(const char *why);

// One line at a time, from whichever thread.
void begin_line(const char *key, const char *value);
void put_text(const char *key, const char *text, size_t length);
void put_bytes(const char *key, const void *bytes, size_t length);
void put_number(const char *key, long number);
void put_properties(const MQTTProperties *properties);
void end_line(void);
// The answer to a command that failed, with a code of the library's own.
void answer_error(const char *id, const char *what, int code);

// Points into the line, which it changes.
Command parse(char *line);
// NULL where there is none.
char *find(const Command *command, const char *key);
char *need(const Command *command, const char *key);
// 0 where there is none.
int number(const Command *command, const char *key);
// In place; gives the length.
int bytes_from_hex(char *hex);
// The properties that a command asks for; its keys begin with a prefix where they belong to the Will.
MQTTProperties properties_of(const Command *command, const char *prefix);
