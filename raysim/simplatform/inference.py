"""One inference request under way: from admission to the last byte, and to the books."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from raysim.simplatform.engine import Rejection, Sequence
from raysim.simplatform.http import Reply, head
from raysim.simplatform.ledger import Fate
from raysim.simplatform.rendering import stream_frames

if TYPE_CHECKING:
    from raysim.simplatform.call import AdmittedCall

_EVENT_STREAM = "text/event-stream; charset=utf-8"


class Job:
    """An admitted request, from its start to its end."""

    __slots__ = ("_admitted", "_delay", "_settled", "fault", "sequence")

    def __init__(self, admitted: AdmittedCall) -> None:
        ask, dice = admitted.ask, admitted.state.dice
        unfair = dice.faults.unfair_org in (admitted.org.slug, admitted.org.name)
        self.fault = dice.inference(streamed=ask.stream, tokens=admitted.answer.tokens)
        self.sequence = Sequence(
            prompt_tokens=ask.prompt_tokens,
            output_tokens=admitted.answer.tokens,
            weight=dice.faults.unfair_weight if unfair else 1,
            urgent=unfair,
        )
        self._admitted = admitted
        self._settled = False
        self._delay: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin; everything else happens when the backend, the client or a fault says so."""
        self._admitted.call.exchange.on_disconnect = self._abandoned
        if self.fault.delay_s > 0:
            self._delay = asyncio.get_running_loop().call_later(self.fault.delay_s, self._launch)
        else:
            self._launch()

    def end(self, fate: Fate, completion_tokens: int = 0) -> None:
        """Book the end. Later calls do nothing."""
        if not self._settled:
            self._settled = True
            self._admitted.settle(fate, completion_tokens)

    def _launch(self) -> None:
        if self._settled:
            return
        if self.fault.reset:
            self.end(Fate.FAILED_RESET)
            self._admitted.call.exchange.reset()
        elif self.fault.error_status:
            self._refuse(self.fault.error_status, "injected fault")
        else:
            ask, backend = self._admitted.ask, self._admitted.backend
            receiver: _StreamReceiver | _WholeReceiver
            receiver = _StreamReceiver(self, self._admitted) if ask.stream else _WholeReceiver(self, self._admitted)
            try:
                backend.submit(ask.model, self.sequence, receiver)
            except Rejection as rejection:
                # the router does not pass a backend's 503 on
                self._refuse(502, str(rejection))
                return
            receiver.begin()

    def _refuse(self, status: int, text: str) -> None:
        self.end(Fate.FAILED_ERROR)
        self._admitted.fail(status, text)

    def _abandoned(self) -> None:
        if self._delay is not None:
            self._delay.cancel()
        # before the cancellation, which releases what was generated
        tokens = self.sequence.emitted if self._admitted.ask.stream and not self.fault.burst else 0
        self._admitted.backend.cancel(self.sequence)
        self.end(Fate.CANCELLED, tokens)


class _WholeReceiver:
    """Answers when the whole text is there."""

    __slots__ = ("_admitted", "_job")

    def __init__(self, job: Job, admitted: AdmittedCall) -> None:
        self._job = job
        self._admitted = admitted

    def begin(self) -> None:
        """Nothing is sent before the end."""

    def deliver(self, sequence: Sequence) -> None:
        if sequence.finished:
            call = self._admitted.call
            extra = self._job.fault.extra_tokens
            body = self._admitted.body(extra)
            self._job.end(Fate.SERVED, sequence.emitted + extra)
            call.exchange.reply(Reply(200, body, headers=call.headers))


class _StreamReceiver:
    """Sends each step's tokens in one write."""

    __slots__ = ("_answer", "_backend", "_early", "_exchange", "_fault", "_frames", "_job", "_opening", "_written")

    def __init__(self, job: Job, admitted: AdmittedCall) -> None:
        self._job = job
        self._fault = job.fault
        self._answer = admitted.answer
        self._backend = admitted.backend
        exchange = self._exchange = admitted.call.exchange
        self._frames = stream_frames(
            admitted.ask,
            admitted.answer,
            identifier=admitted.identifier,
            created=admitted.created,
            extra_tokens=job.fault.extra_tokens,
        )
        headers = (*admitted.call.headers, ("Cache-Control", "no-cache"))
        start = head(200, _EVENT_STREAM, headers, length=None, close=not exchange.keep_alive)
        self._opening = start + self._frames.opening
        self._written = 0
        self._early = admitted.state.config.early_headers and not job.fault.burst

    def begin(self) -> None:
        """Send the headers early, when the platform is to do that."""
        if self._early:
            self._exchange.write(self._opening)
            self._opening = b""

    def deliver(self, sequence: Sequence) -> None:
        cut = self._fault.cut_after
        until = min(sequence.emitted, cut) if cut else sequence.emitted
        ending = sequence.finished or (cut and until == cut)
        if self._fault.burst and not ending:
            return
        token, piece = self._frames.token, self._answer.piece
        data = self._opening + b"".join([token(piece(index)) for index in range(self._written, until)])
        self._opening = b""
        self._written = until
        if not ending:
            self._exchange.write(data)
        elif cut:
            self._backend.cancel(sequence)
            self._job.end(Fate.FAILED_CUT, until)
            self._exchange.write(data)
            self._exchange.cut()
        else:
            # booked before the last byte, so that whoever has read it finds it in the ledger
            self._job.end(Fate.SERVED, until + self._fault.extra_tokens)
            self._exchange.write(data + self._frames.closing)
            self._exchange.finish()
