"""The parts of the reference page that are written by hand."""

FOREWORD = """
# Configuration reference

This page is made from the scenario's models by `make docs`; `raysim schema` prints the same as JSON Schema,
from which [editors complete and check scenarios](contracts.md#in-an-editor). The [cookbook](cookbook.md) has
whole ones.

A scenario is a YAML file. The shortest valid one loads a simulated platform with five users for a minute:

```yaml
apiVersion: loadtest.ai-aas.dev/v1
kind: LoadTestScenario
```

`raysim validate FILE` reports everything that is wrong with a scenario at once: each problem with its path, the value
that was found and what would be valid. Unknown keys are errors. Warnings say what will happen and do not stop a run.

* **Durations** are written in Go's style: `90s`, `2m`, `1h30m`, `500ms`. A bare number is refused. The one exception
  is `thinkTimeSeconds`, whose name states its unit: plain numbers of seconds.
* **Memory and CPU** are written as in Kubernetes: `512Mi`, `500m`.
* **Secrets** are never written in a scenario: only the name of an environment variable or of a file.
* A key without a value stands for its default.
* **Several scenarios** may stand in one file, separated by `---`; `--name` picks one by `metadata.name`.
* **A directory** stands for the one `.yaml` file in it, so that a mounted ConfigMap can be given as it is.
* **While a run goes on** it follows its file: limits, pauses, sessions and phases that have not begun take on new
  values; the rest is refused, with the reason ([runbook.md](runbook.md#change-a-run-while-it-goes-on)).

## Overriding values

`--set PATH=VALUE` replaces a value of the file; the value is YAML. Paths start below `spec`, or with `metadata.`. An
element of a list is given by its index from 0 or by its name:

```
raysim run FILE --set limits.maxCostUsd=5
raysim run FILE --set loadPattern.phases[0].duration=90s
raysim run FILE --set loadPattern.phases.0.duration=90s
raysim run FILE --set 'loadPattern.phases[ramp].duration=90s'
raysim run FILE --set 'models[my-model].inputUsdPerMillion=0.2'
raysim run FILE --set metadata.testRunId=nightly-42
```

The environment can do the same, with two underscores between the steps: `RAYSIM_SET__limits__maxCostUsd=5`.
What is set by `--set` wins over the environment, which wins over the file.
"""

ENDPOINTS = """
## Endpoints

Each request goes to an endpoint drawn from `endpoints` by weight. Only chat keeps a conversation: the other endpoints
do not take part in it, and a chat goes on after them.

| name | request | answer |
|---|---|---|
| `chat` | `POST /v1/chat/completions` with the conversation | streamed or whole, token by token timed |
| `completions` | `POST /v1/completions` with the question alone | the same |
| `embeddings` | `POST /v1/embeddings` with the question; give `request: {model: …}` | prompt tokens and their price; no completion tokens, no TTFT |
| `orgs` | `GET /v1/orgs/{org_id}` at the user/org service, with the administrator's token, which the coordinator lends | the same `orgId`; no tokens, no cost |
| `custom` | what `path`, `method` and `request` say, with the user's key | whole; tokens and their price where its `usage` states them, under OpenAI's names or as `tokens_input`, `tokens_output` |

`request` is merged into the JSON body, field by field; `null` takes a field away; `stream: false` asks for a whole answer.
Its texts may hold these placeholders; a text that is nothing but one becomes its value, so that `"{max_tokens}"` is a number:
"""  # noqa: E501 - rows of tables cannot be wrapped

FAILURES = """
A request is a success when it succeeds as usual and everything under `expect` holds; otherwise it ends in
`expectation_failed`. A failure that has a kind of its own keeps it: a 429 is `rate_limited`, whatever was expected. A
`status` of 300 or more makes an answer with exactly that status a success.

```yaml
endpoints:
  - {name: chat, weight: 75}
  - {name: embeddings, weight: 20, request: {model: text-embedding-3-small}}
  - {name: orgs, weight: 1}
  - name: custom
    weight: 4
    path: /v1/inference
    request: {request_id: "{request_id}", model: "{model}", payload: {prompt: "{question}", max_tokens: "{max_tokens}"}}
    expect: {status: 200, jsonPath: $.output.text}
```

## Retries and the circuit breaker

With `errorHandling.retryAttempts` a failed request is sent again when the platform cannot have billed it: no
connection, no byte of an answer in time, `rate_limited`, `overloaded`, `http_5xx`. It is never sent again once a
token has arrived (it was billed, and a second answer's times are not the first one's), nor after other 4xx, `auth`,
`budget_exceeded`, `quota_exceeded`, TLS errors or an answer that is wrong. The pause before retry *n* is uniform on
[0, `retryBackoff` · 2^(n−1)], at most 30 s; with `honourRetryAfter` a `Retry-After` of up to a minute replaces it, a
longer one ends the retries. A user that is told to go does not wait for a retry.

All attempts are one request: one row, one id, one question of `maxRequestsPerUser`. Its `attempts` says how often it
was sent, its times and its outcome are those of the last attempt, and its response time (end − due) covers all of
them.

With `errorHandling.circuitBreaker` each user keeps a circuit to each service it calls. After `failures` failed
attempts in a row it opens for `openFor`: what is due meanwhile ends unsent in `circuit_open`, at the pace of the
think time but at least half a second apart. Then one request is sent as a probe: an error opens the circuit again,
anything else closes it. Refusals are answers of a platform that works: they do not count, and close it.
`circuit_open` is an error and counts towards `limits.maxErrorRate`: the user did not get an answer. Without a circuit
breaker the pause after each further failure doubles instead, from half a second to half a minute.
"""  # noqa: RUF001 - the formula uses the sign of mathematics

AFTERWORD = """
## Distributions

A random quantity is given by `min` and `max`, or by `base` (and `variance`): then its interval is *base* ± *variance*,
and `min` and `max`, where given, truncate it further: what lies outside is not drawn, and what lies inside keeps its
shape. The same definitions hold wherever a distribution can be named. *w* is the width of the interval, [*min*, *max*] or
*base* ± *variance*; *start* is its lower end.

| distribution | is |
|---|---|
| `uniform` | every value of the interval equally likely |
| `gaussian` | mean at the centre, σ = *w*/4; truncated, not clipped: no value piles up on a bound |
| `exponential` | *start* + Exp with mean *w*/3, truncated |
| `poisson` | *start* + Poisson(*w*/3), truncated |
| `lognormal` | median `base`, σ of the logarithm *variance*/*base*; bounded by `min` and `max` alone, else by 0 and *base* · e^(4σ) |

Whole numbers (users, questions, turns, tokens) are rounded half up; `uniform` gives each the same chance. Truncating
moves the mean and narrows the spread: `think_time.configured` in the summary states the mean, standard deviation and
quantiles that come of it.

## Phases and ramps

Phases follow one another without a gap. Each starts from the previous one's target, the first from 0. With *a* the users
at the start of the phase, *b* its target, *d* its duration and *t* the time since it began:

| ramp | users at *t* |
|---|---|
| `linear` | a + (b − a) · t/d |
| `exponential` | a + (b − a) · (e^(3t/d) − 1) / (e³ − 1) |
| `step` | `steps` equal steps, the first at once |
| wave (pattern type `wave`) | a + (b − a) · (1 − cos(2πt/period)) / 2: from a to b and back each `period` |
| at once | b |

A phase without `rampStrategy` is linear in a `ramp-up` pattern, a wave in `wave`, and at once in `steady`, `spike` and
`custom`. Users are whole: numbers are rounded half up. The lowest-numbered idle user starts first, the
longest-active stops first.

A phase without `kind` takes it from its name: a name with *warm* in it is a warm-up, *cool* a cool-down, *ramp* a ramp,
*spike* a spike; any other phase is sustained load. Requests that are due in warm-up and cool-down stay out of
the headline figures and are shown apart, unless `excludeFromResults` says otherwise.
"""  # noqa: E501, RUF001 - rows of tables cannot be wrapped; the formulas use the letters of mathematics
