/* The truth that load generators are held against: an OpenAI-compatible server that costs next to nothing and answers
 * every chat request as a stream of fixed timing.
 *
 *   cc -O2 -o reference_server reference_server.c
 *   ./reference_server PORT TTFT_US ITL_US TOKENS        PORT 0 takes a free one; the port is printed as the first line
 *
 * A request's first token is due TTFT_US after the read that completed the request, each further token ITL_US after
 * the one before was due, and the end (finish reason, usage, [DONE]) another ITL_US later. Due times do not drift: a
 * token that left late does not delay the next one. Whatever the request asks for, it gets TOKENS tokens.
 *
 * GET /stats answers with counters since the start and, since the last /stats, the most streams that were open at once
 * and how late tokens left. Loopback only; one thread, one epoll, one timer; exits when its parent does. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_REQUEST = 1 << 20, READ_STEP = 16384, EVENTS = 512, LATE_STEP_US = 10, LATE_STEPS = 20000, NOT_DUE = -1 };

struct stream {
    int fd;
    int place; /* in the heap, or NOT_DUE */
    int sent;  /* tokens */
    int64_t due_ns;
    char *input;
    size_t filled, room;
};

struct frame {
    char bytes[1024];
    int length;
};

static int64_t ttft_ns, itl_ns;
static int tokens_per_stream;
static struct frame first_frame, token_frame, last_frame;

static struct stream **heap;
static int heap_size, heap_room;

static uint64_t requests, completed, broken, tokens;
static int open_now, open_peak;
static uint64_t late[LATE_STEPS + 1], late_count;

static int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* ── the heap: streams by when they are next due; each knows its place, so that a closed one can be taken out ── */

static void put_at(int place, struct stream *stream)
{
    heap[place] = stream;
    stream->place = place;
}

static void rise(int place, struct stream *stream)
{
    while (place > 0 && heap[(place - 1) / 2]->due_ns > stream->due_ns) {
        put_at(place, heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(place, stream);
}

static void sink(int place, struct stream *stream)
{
    for (;;) {
        int child = 2 * place + 1;
        if (child >= heap_size)
            break;
        if (child + 1 < heap_size && heap[child + 1]->due_ns < heap[child]->due_ns)
            child++;
        if (heap[child]->due_ns >= stream->due_ns)
            break;
        put_at(place, heap[child]);
        place = child;
    }
    put_at(place, stream);
}

static void schedule(struct stream *stream, int64_t due_ns)
{
    stream->due_ns = due_ns;
    if (stream->place != NOT_DUE) {
        /* due times only move forward */
        sink(stream->place, stream);
        return;
    }
    if (heap_size == heap_room) {
        heap_room = heap_room ? 2 * heap_room : 256;
        heap = realloc(heap, heap_room * sizeof *heap);
        if (heap == NULL)
            die("heap");
    }
    rise(heap_size++, stream);
}

static void unschedule(struct stream *stream)
{
    int place = stream->place;
    if (place == NOT_DUE)
        return;
    stream->place = NOT_DUE;
    struct stream *moved = heap[--heap_size];
    if (moved == stream)
        return;
    if (place > 0 && heap[(place - 1) / 2]->due_ns > moved->due_ns)
        rise(place, moved);
    else
        sink(place, moved);
}

/* ── frames: every piece that is ever sent, made once ── */

static void make_frame(struct frame *frame, int ends, const char *events)
{
    frame->length = snprintf(frame->bytes, sizeof frame->bytes, "%zx\r\n%s\r\n%s", strlen(events), events,
                             ends ? "0\r\n\r\n" : "");
}

static void make_frames(void)
{
#define CHUNK(choices) \
    "data: {\"id\":\"chatcmpl-reference\",\"object\":\"chat.completion.chunk\",\"created\":1700000000," \
    "\"model\":\"reference\",\"choices\":[" choices "]"
#define DELTA(delta, finish) "{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":" finish "}"
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    struct frame chunk;
    make_frame(&token_frame, 0, CHUNK(DELTA("\"content\":\" word\"", "null")) "}\n\n");
    make_frame(&chunk, 0, CHUNK(DELTA("\"role\":\"assistant\",\"content\":\"A\"", "null")) "}\n\n");
    /* the head leaves with the first token: an early one would be a read more for the client, and tell it nothing */
    first_frame.length = snprintf(first_frame.bytes, sizeof first_frame.bytes, "%s%s", head, chunk.bytes);
    char events[900];
    snprintf(events, sizeof events,
             CHUNK(DELTA("", "\"stop\"")) "}\n\n" CHUNK("") ",\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":%d,"
             "\"total_tokens\":%d}}\n\ndata: [DONE]\n\n",
             tokens_per_stream, tokens_per_stream + 20);
    make_frame(&last_frame, 1, events);
}

/* ── one connection ── */

static void drop(struct stream *stream)
{
    if (stream->place != NOT_DUE) {
        unschedule(stream);
        open_now--;
        broken++;
    }
    close(stream->fd);
    free(stream->input);
    free(stream);
}

/* A client that lets its socket's buffer fill up is not reading; it is cut off. */
static int deliver(struct stream *stream, const char *bytes, int length)
{
    return send(stream->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) == length;
}

static void send_due(struct stream *stream, int64_t now_ns)
{
    int64_t step = (now_ns - stream->due_ns) / (LATE_STEP_US * 1000);
    late[step > LATE_STEPS ? LATE_STEPS : step]++;
    late_count++;
    int last = stream->sent == tokens_per_stream;
    const struct frame *frame = last ? &last_frame : stream->sent ? &token_frame : &first_frame;
    if (!deliver(stream, frame->bytes, frame->length)) {
        /* epoll reports the socket that shutdown has ended, and that is where it is freed */
        shutdown(stream->fd, SHUT_RDWR);
        unschedule(stream);
        open_now--;
        broken++;
    } else if (last) {
        unschedule(stream);
        open_now--;
        completed++;
    } else {
        stream->sent++;
        tokens++;
        schedule(stream, stream->due_ns + itl_ns);
    }
}

static double late_us(double share)
{
    uint64_t wanted = (uint64_t)(share * late_count), seen = 0;
    for (int step = 0; step <= LATE_STEPS; step++)
        if ((seen += late[step]) > wanted)
            return (step + 0.5) * LATE_STEP_US;
    return 0;
}

static int answer_stats(struct stream *stream)
{
    char body[512], all[768];
    int length = snprintf(body, sizeof body,
                          "{\"requests\":%lu,\"completed\":%lu,\"broken\":%lu,\"tokens\":%lu,\"open\":%d,"
                          "\"peak\":%d,\"late_p50_us\":%.0f,\"late_p99_us\":%.0f,\"clock_ns\":%ld}",
                          (unsigned long)requests, (unsigned long)completed, (unsigned long)broken,
                          (unsigned long)tokens, open_now, open_peak, late_us(0.5), late_us(0.99), (long)clock_ns());
    memset(late, 0, sizeof late);
    late_count = 0;
    open_peak = open_now;
    length = snprintf(all, sizeof all, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                      length, body);
    return deliver(stream, all, length);
}

static int answer_models(struct stream *stream)
{
    static const char body[] = "{\"object\":\"list\",\"data\":[{\"id\":\"reference\",\"object\":\"model\"}]}";
    char all[256];
    int length = snprintf(all, sizeof all,
                          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                          sizeof body - 1, body);
    return deliver(stream, all, length);
}

/* Length of the complete request at the start of the input: 0 while it is incomplete, -1 when it never will be. */
static long complete_request(struct stream *stream)
{
    char *end = memmem(stream->input, stream->filled, "\r\n\r\n", 4);
    if (end == NULL)
        return stream->filled < MAX_REQUEST ? 0 : -1;
    size_t head = end + 4 - stream->input, body = 0;
    for (char *line = stream->input; line < end; line = (char *)memmem(line, end + 2 - line, "\r\n", 2) + 2)
        if (strncasecmp(line, "content-length:", 15) == 0)
            body = strtoul(line + 15, NULL, 10);
    if (body > MAX_REQUEST)
        return -1;
    return stream->filled >= head + body ? (long)(head + body) : 0;
}

static int begin(struct stream *stream)
{
    if (strncmp(stream->input, "GET /stats", 10) == 0)
        return answer_stats(stream);
    if (strncmp(stream->input, "GET ", 4) == 0)
        return answer_models(stream);
    if (stream->place != NOT_DUE)
        return 0; /* one at a time: nobody pipelines answers that stream */
    requests++;
    if (++open_now > open_peak)
        open_peak = open_now;
    stream->sent = 0;
    schedule(stream, clock_ns() + ttft_ns);
    return 1;
}

static void readable(struct stream *stream)
{
    if (stream->room - stream->filled < READ_STEP) {
        stream->room += READ_STEP;
        stream->input = realloc(stream->input, stream->room + 1);
        if (stream->input == NULL)
            die("input");
    }
    ssize_t got = recv(stream->fd, stream->input + stream->filled, stream->room - stream->filled, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        drop(stream);
        return;
    }
    stream->filled += got;
    stream->input[stream->filled] = 0;
    long length;
    while ((length = complete_request(stream)) > 0) {
        if (!begin(stream)) {
            drop(stream);
            return;
        }
        stream->filled -= length;
        memmove(stream->input, stream->input + length, stream->filled + 1);
    }
    if (length < 0)
        drop(stream);
}

/* ── the loop ── */

static int listen_on(int port, int *taken)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, size) || listen(fd, 4096) ||
        getsockname(fd, (struct sockaddr *)&address, &size))
        die("listen");
    *taken = ntohs(address.sin_port);
    return fd;
}

static void accept_all(int listener, int poll)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct stream *stream = calloc(1, sizeof *stream);
        if (stream == NULL)
            die("stream");
        stream->fd = fd;
        stream->place = NOT_DUE;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = stream};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event))
            die("epoll_ctl");
    }
}

static void set_timer(int timer, int64_t due_ns)
{
    struct itimerspec at = {.it_value = {due_ns / 1000000000, due_ns % 1000000000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static void serve(int listener)
{
    int poll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.ptr = &listener};
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    event.data.ptr = &timer;
    epoll_ctl(poll, EPOLL_CTL_ADD, timer, &event);
    for (;;) {
        if (heap_size)
            set_timer(timer, heap[0]->due_ns);
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int index = 0; index < count; index++) {
            void *what = events[index].data.ptr;
            uint64_t expirations;
            if (what == &timer)
                (void)!read(timer, &expirations, sizeof expirations);
            else if (what == &listener)
                accept_all(listener, poll);
            else
                readable(what);
        }
        /* what falls due meanwhile waits for the next turn: under any load there is a turn for those who ask */
        for (int64_t until_ns = clock_ns(); heap_size && heap[0]->due_ns <= until_ns;)
            send_due(heap[0], clock_ns());
    }
}

int main(int count, char **given)
{
    if (count != 5) {
        fprintf(stderr, "usage: %s PORT TTFT_US ITL_US TOKENS\n", given[0]);
        return 2;
    }
    ttft_ns = atoll(given[2]) * 1000;
    itl_ns = atoll(given[3]) * 1000;
    tokens_per_stream = atoi(given[4]);
    if (tokens_per_stream < 1 || ttft_ns < 0 || itl_ns < 0) {
        fprintf(stderr, "TTFT_US and ITL_US are 0 or more, TOKENS 1 or more\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    make_frames();
    int port, listener = listen_on(atoi(given[1]), &port);
    printf("%d\n", port);
    fflush(stdout);
    serve(listener);
}
