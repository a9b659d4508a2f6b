#include <martlet.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv) {
    const char *configuration = "{\"environment\":\"development\"}";
    const char *data = "{\"callId\":\"call_1\",\"callStatus\":\"completed\",\"callDuration\":185}";
    char webhook[256], error[MARTLET_ERROR_SIZE], *deliveries;
    martlet_engine_t engine;
    snprintf(webhook, sizeof webhook, "{\"url\":\"%s\",\"events\":[\"call.*\"]}",
             argc > 1 ? argv[1] : "http://127.0.0.1:3000/subverse/webhook");

    if (martlet_engine_open(configuration, strlen(configuration), &engine, error, sizeof error) != MARTLET_OK ||
        martlet_webhook_create(engine, webhook, strlen(webhook), NULL, NULL, error, sizeof error) != MARTLET_OK ||
        martlet_push(engine, "call.completed", 14, data, strlen(data), 0, NULL, error, sizeof error) != MARTLET_OK) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    int32_t status = martlet_engine_close(engine, 40000); /* time for the delivery and its retries */
    if (martlet_deliveries(engine, NULL, 0, &deliveries, NULL, error, sizeof error) == MARTLET_OK) puts(deliveries);
    martlet_free(deliveries);
    martlet_engine_free(engine);
    return status == MARTLET_OK ? 0 : 1;
}
