/* The smallest program that uses the installed library: open, push, read statistics, close. */
#include <martlet.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    char error[MARTLET_ERROR_SIZE];
    const char *event = "{\"callId\":\"call_1\"}";
    martlet_engine_t engine = NULL;
    if (martlet_engine_open("{}", 2, &engine, error, sizeof error) != MARTLET_OK) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    if (martlet_push(engine, "call.completed", 14, event, strlen(event), 1, NULL, error, sizeof error) != MARTLET_OK) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    char *stats = NULL;
    if (martlet_engine_stats_json(engine, &stats, NULL) != MARTLET_OK) return 1;
    printf("martlet %s %s\n", martlet_version(), stats);
    martlet_free(stats);
    if (martlet_engine_close(engine, 1000) != MARTLET_OK) return 1;
    martlet_engine_free(engine);
    return 0;
}
