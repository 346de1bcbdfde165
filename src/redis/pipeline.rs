//! A connection for many small commands: they leave together, and are answered in their order.
//!
//! The client has a task, a timer and two messages for each command, which cost more than a read itself.
//! Here a command is bytes in a buffer, and whoever waits for it is in a queue; one task writes the
//! buffer and reads the answers. It knows neither servers nor logins: [`super::dial`] opens the stream.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use redis_protocol::resp2::decode::decode_bytes_mut;
pub(super) use redis_protocol::resp2::types::BytesFrame as Frame;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep};

use crate::clock::stopwatch_ns;

/// Space for what one look at the stream may bring.
const READ_BYTES: usize = 64 << 10;
/// Buffers that have become larger than this are freed when they are empty.
const KEPT_BYTES: usize = 1 << 20;
/// From one look at what is late to the next.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);
/// While answers arrive, a command may take so many times its limit.
const MOST_LIMITS: u64 = 4;

/// What is asked after some time of silence: a connection that died in it is found before somebody
/// needs it.
pub(super) struct Probe {
    pub(super) after: Duration,
    pub(super) command: &'static [u8],
}

/// Commands under way, each with the `T` that waits for its answer.
pub(super) struct Pipeline<T> {
    limit_ns: u64,
    probe: Probe,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// Commands that have not left.
    out: BytesMut,
    waiting: VecDeque<Sent<T>>,
    /// How many of them, from the first one on, nobody waits for any more.
    given_up: usize,
    /// When bytes last arrived, on the stopwatch.
    heard_ns: u64,
    /// Whether somebody ever got an answer that is no error.
    was_of_use: bool,
    waker: Option<Waker>,
}

struct Sent<T> {
    at_ns: u64,
    waiter: Option<T>,
}

/// What takes the answers, on the task that drives the pipeline.
pub(super) trait Takes<T> {
    /// Answers that came together, to commands of which the first left at `sent_ns` of the stopwatch.
    fn take(&self, answers: Vec<(T, Frame)>, sent_ns: u64);

    /// There was no answer in time.
    fn give_up(&self, late: Vec<T>);
}

impl<T> Pipeline<T> {
    /// Each command may take as long as `limit` from the last bytes that arrived.
    pub(super) fn new(limit: Duration, probe: Probe) -> Self {
        let state = State {
            out: BytesMut::new(),
            waiting: VecDeque::new(),
            given_up: 0,
            heard_ns: stopwatch_ns(),
            was_of_use: false,
            waker: None,
        };
        Self { limit_ns: limit.as_nanos() as u64, probe, state: Mutex::new(state) }
    }

    /// Sends commands, each by what adds it to the buffer. Returns them while an earlier one is late:
    /// those behind it would be, too.
    pub(super) fn send(&self, many: Vec<T>, mut add: impl FnMut(&T, &mut BytesMut)) -> Vec<T> {
        let mut state = self.state.lock();
        if state.given_up > 0 {
            return many;
        }
        let at_ns = stopwatch_ns();
        for one in many {
            add(&one, &mut state.out);
            state.waiting.push_back(Sent { at_ns, waiter: Some(one) });
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Vec::new()
    }

    /// Sends a command by what adds it to the buffer, also while an earlier one is late: whatever is
    /// sent after another command is done after it.
    pub(super) fn send_in_turn(&self, one: T, add: impl FnOnce(&mut BytesMut)) {
        let mut state = self.state.lock();
        add(&mut state.out);
        state.waiting.push_back(Sent { at_ns: stopwatch_ns(), waiter: Some(one) });
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Whether it ever answered somebody with more than an error.
    pub(super) fn was_of_use(&self) -> bool {
        self.state.lock().was_of_use
    }

    /// Whatever waits, once nothing drives it any more.
    pub(super) fn left(&self) -> Vec<T> {
        let waiting = std::mem::take(&mut self.state.lock().waiting);
        waiting.into_iter().filter_map(|sent| sent.waiter).collect()
    }

    /// Writes commands and takes answers until the stream ends or makes no sense.
    pub(super) async fn drive(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        takes: &impl Takes<T>,
    ) {
        let mut driver = Driver {
            pipeline: self,
            stream,
            out: BytesMut::new(),
            input: BytesMut::new(),
            timer: Box::pin(sleep(Duration::ZERO)),
            timed: Timed::Not,
        };
        poll_fn(|context| driver.poll(context, takes)).await;
    }
}

/// The stream is of no use any more.
struct Ended;

/// What the timer is set for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timed {
    Not,
    Answers,
    Probe,
}

struct Driver<'a, T, S> {
    pipeline: &'a Pipeline<T>,
    stream: S,
    out: BytesMut,
    input: BytesMut,
    timer: Pin<Box<Sleep>>,
    timed: Timed,
}

impl<T, S: AsyncRead + AsyncWrite + Unpin> Driver<'_, T, S> {
    fn poll(&mut self, context: &mut Context<'_>, takes: &impl Takes<T>) -> Poll<()> {
        let mut step = || {
            self.write(context)?;
            self.read(context, takes)?;
            self.watch(context, takes)
        };
        if step().is_err() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn write(&mut self, context: &mut Context<'_>) -> Result<(), Ended> {
        loop {
            if self.out.is_empty() {
                let mut state = self.pipeline.state.lock();
                state.waker = Some(context.waker().clone());
                if state.out.is_empty() {
                    break;
                }
                std::mem::swap(&mut state.out, &mut self.out);
            }
            match Pin::new(&mut self.stream).poll_write(context, &self.out) {
                Poll::Ready(Ok(0) | Err(_)) => return Err(Ended),
                Poll::Ready(Ok(written)) => self.out.advance(written),
                Poll::Pending => break,
            }
        }
        if self.out.capacity() > KEPT_BYTES && self.out.is_empty() {
            self.out = BytesMut::new();
        }
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Ready(Err(_)) => Err(Ended),
            _ => Ok(()),
        }
    }

    fn read(&mut self, context: &mut Context<'_>, takes: &impl Takes<T>) -> Result<(), Ended> {
        loop {
            // What a large answer needed is not kept for ever.
            if self.input.is_empty() && self.input.capacity() > KEPT_BYTES {
                self.input = BytesMut::new();
            }
            self.input.reserve(READ_BYTES);
            match pin!(self.stream.read_buf(&mut self.input)).poll(context) {
                Poll::Ready(Ok(0) | Err(_)) => return Err(Ended),
                Poll::Ready(Ok(_)) => self.take(takes)?,
                Poll::Pending => return Ok(()),
            }
        }
    }

    /// Takes the answers that have arrived wholly.
    fn take(&mut self, takes: &impl Takes<T>) -> Result<(), Ended> {
        let mut frames = Vec::new();
        while let Some((frame, _, _)) = decode_bytes_mut(&mut self.input).map_err(|_| Ended)? {
            frames.push(frame);
        }
        let mut answers = Vec::with_capacity(frames.len());
        let mut state = self.pipeline.state.lock();
        state.heard_ns = stopwatch_ns();
        let mut sent_ns = state.heard_ns;
        let is_surplus = frames.len() > state.waiting.len();
        for frame in frames {
            let Some(sent) = state.waiting.pop_front() else { break };
            state.given_up = state.given_up.saturating_sub(1);
            if let Some(waiter) = sent.waiter {
                state.was_of_use |= !matches!(frame, Frame::Error(_));
                sent_ns = sent_ns.min(sent.at_ns);
                answers.push((waiter, frame));
            }
        }
        drop(state);
        if !answers.is_empty() {
            takes.take(answers, sent_ns);
        }
        if is_surplus { Err(Ended) } else { Ok(()) }
    }

    /// Gives up what is late, and the stream once nothing came for as long again.
    fn watch(&mut self, context: &mut Context<'_>, takes: &impl Takes<T>) -> Result<(), Ended> {
        let Pipeline { limit_ns, probe, state } = self.pipeline;
        loop {
            let next = state.lock().next(*limit_ns, probe);
            // An answer is due long before a probe is.
            if self.timed == Timed::Not || (self.timed, next.0) == (Timed::Probe, Timed::Answers) {
                self.timer.as_mut().reset(Instant::now() + next.1);
                self.timed = next.0;
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Ok(());
            }
            if std::mem::replace(&mut self.timed, Timed::Not) == Timed::Probe {
                state.lock().send(probe);
                self.write(context)?;
                continue;
            }
            let late = state.lock().late(*limit_ns)?;
            if !late.is_empty() {
                takes.give_up(late);
            }
        }
    }
}

impl<T> State<T> {
    /// Sends a probe, unless something came in the meantime.
    fn send(&mut self, probe: &Probe) {
        let now = stopwatch_ns();
        let silence = Duration::from_nanos(now.saturating_sub(self.heard_ns));
        if silence >= probe.after {
            self.out.extend_from_slice(probe.command);
            self.waiting.push_back(Sent { at_ns: now, waiter: None });
        }
    }

    /// Those who have waited for too long.
    fn late(&mut self, limit_ns: u64) -> Result<Vec<T>, Ended> {
        let now = stopwatch_ns();
        let silent_ns = |since: u64| now.saturating_sub(since);
        if let Some(first) = self.waiting.front()
            && silent_ns(self.heard_ns.max(first.at_ns)) >= 2 * limit_ns
        {
            return Err(Ended);
        }
        let mut late = Vec::new();
        for sent in self.waiting.iter_mut().skip(self.given_up) {
            let is_silent = silent_ns(self.heard_ns.max(sent.at_ns)) >= limit_ns;
            if !is_silent && silent_ns(sent.at_ns) < MOST_LIMITS * limit_ns {
                break;
            }
            late.extend(sent.waiter.take());
            self.given_up += 1;
        }
        Ok(late)
    }

    /// What is to be looked after next, and when.
    fn next(&self, limit_ns: u64, probe: &Probe) -> (Timed, Duration) {
        let since = |at_ns: u64| stopwatch_ns().saturating_sub(self.heard_ns.max(at_ns));
        let Some(first) = self.waiting.get(self.given_up).or(self.waiting.front()) else {
            let left = probe.after.saturating_sub(Duration::from_nanos(since(0)));
            return (Timed::Probe, left.max(SHORTEST_LOOK));
        };
        let left_ns = limit_ns.saturating_sub(since(first.at_ns) % limit_ns.max(1));
        (Timed::Answers, Duration::from_nanos(left_ns).max(SHORTEST_LOOK))
    }
}

#[cfg(test)]
mod tests;
