/* A small HTTP/1.1 receiver on loopback with its own thread. What it answers depends on the path:
   /ok 200; /down 503; /flaky 503 to the first request and 200 then; /hang never answers. */
#ifndef RECEIVER_H
#define RECEIVER_H

#include <stddef.h>

typedef struct receiver receiver_t;

typedef enum { PATH_OK, PATH_DOWN, PATH_FLAKY, PATH_HANG, PATH_COUNT } receiver_path_t;

receiver_t *receiver_start(void);
void receiver_stop(receiver_t *receiver);
int receiver_port(const receiver_t *receiver);

/* Requests for a path so far. */
size_t receiver_count(receiver_t *receiver, receiver_path_t path);

/* Waits until a path has had so many requests; 0 when that took longer than 30 seconds. */
int receiver_wait(receiver_t *receiver, receiver_path_t path, size_t count);

/* Requests that lacked a signature header, the webhook-id header or a JSON body. */
size_t receiver_faults(receiver_t *receiver);

#endif
