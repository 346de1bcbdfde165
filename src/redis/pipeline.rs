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
/// While answers arrive, a command may take so many times its limit.
const MOST_LIMITS: u64 = 4;

/// Commands under way, each with the `T` that waits for its answer.
pub(super) struct Pipeline<T> {
    limit_ns: u64,
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
    pub(super) fn new(limit: Duration) -> Self {
        let (out, waiting) = (BytesMut::new(), VecDeque::new());
        let state = State { out, waiting, given_up: 0, heard_ns: 0, waker: None };
        Self { limit_ns: limit.as_nanos() as u64, state: Mutex::new(state) }
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

    /// Whether it ever answered.
    pub(super) fn was_of_use(&self) -> bool {
        self.state.lock().heard_ns > 0
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
            is_timed: false,
        };
        poll_fn(|context| driver.poll(context, takes)).await;
    }
}

/// The stream is of no use any more.
struct Ended;

struct Driver<'a, T, S> {
    pipeline: &'a Pipeline<T>,
    stream: S,
    out: BytesMut,
    input: BytesMut,
    timer: Pin<Box<Sleep>>,
    is_timed: bool,
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
        for frame in frames {
            let sent = state.waiting.pop_front().ok_or(Ended)?;
            state.given_up = state.given_up.saturating_sub(1);
            if let Some(waiter) = sent.waiter {
                sent_ns = sent_ns.min(sent.at_ns);
                answers.push((waiter, frame));
            }
        }
        drop(state);
        if !answers.is_empty() {
            takes.take(answers, sent_ns);
        }
        Ok(())
    }

    /// Gives up what is late, and the stream once nothing came for as long again.
    fn watch(&mut self, context: &mut Context<'_>, takes: &impl Takes<T>) -> Result<(), Ended> {
        loop {
            if self.is_timed {
                if self.timer.as_mut().poll(context).is_pending() {
                    return Ok(());
                }
                self.is_timed = false;
                let late = self.pipeline.state.lock().late(self.pipeline.limit_ns)?;
                if !late.is_empty() {
                    takes.give_up(late);
                }
            }
            let Some(wait) = self.pipeline.state.lock().next_look(self.pipeline.limit_ns) else {
                return Ok(());
            };
            self.timer.as_mut().reset(Instant::now() + wait);
            self.is_timed = true;
        }
    }
}

impl<T> State<T> {
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

    /// How long until something may be late; `None` while nothing is waited for.
    fn next_look(&self, limit_ns: u64) -> Option<Duration> {
        let first = self.waiting.get(self.given_up).or(self.waiting.front())?;
        let waited_ns = stopwatch_ns().saturating_sub(self.heard_ns.max(first.at_ns));
        let wait_ns = limit_ns.saturating_sub(waited_ns % limit_ns.max(1));
        Some(Duration::from_nanos(wait_ns.max(1_000_000)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::JoinHandle;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    #[derive(Default)]
    struct Taken {
        answers: Mutex<Vec<(u8, Frame)>>,
        late: Mutex<Vec<u8>>,
    }

    impl Takes<u8> for Taken {
        fn take(&self, answers: Vec<(u8, Frame)>, _: u64) {
            self.answers.lock().extend(answers);
        }

        fn give_up(&self, late: Vec<u8>) {
            self.late.lock().extend(late);
        }
    }

    /// A pipeline that is driven, and the other end of its stream.
    struct Driven {
        pipeline: Arc<Pipeline<u8>>,
        taken: Arc<Taken>,
        server: DuplexStream,
        driving: JoinHandle<()>,
    }

    impl Driven {
        fn start(limit: Duration) -> Self {
            let (server, stream) = duplex(1 << 20);
            let (pipeline, taken) = (Arc::new(Pipeline::new(limit)), Arc::<Taken>::default());
            let (driven, own) = (pipeline.clone(), taken.clone());
            let driving = tokio::spawn(async move { driven.drive(stream, &*own).await });
            Self { pipeline, taken, server, driving }
        }

        fn send(&self, many: &[u8]) -> Vec<u8> {
            self.pipeline.send(many.to_vec(), |one, out| out.extend_from_slice(&[*one]))
        }

        /// What arrives at the server.
        async fn sent(&mut self, count: usize) -> Vec<u8> {
            let mut bytes = vec![0; count];
            self.server.read_exact(&mut bytes).await.unwrap();
            bytes
        }

        async fn answer(&mut self, bytes: &[u8]) {
            self.server.write_all(bytes).await.unwrap();
            // The task that drives takes them before this one goes on.
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
        }

        fn answers(&self) -> Vec<(u8, Frame)> {
            std::mem::take(&mut *self.taken.answers.lock())
        }
    }

    fn bulk(text: &'static str) -> Frame {
        Frame::BulkString(text.as_bytes().into())
    }

    #[tokio::test]
    async fn answers_go_to_those_who_wait_in_the_order_of_the_commands_however_they_are_cut() {
        let mut driven = Driven::start(LIMIT);
        assert_eq!(driven.send(b"abc"), b"");
        assert_eq!(driven.sent(3).await, b"abc");
        driven.answer(b"$1\r\nx\r\n$-1\r\n$4\r\nlo").await;
        assert_eq!(driven.answers(), [(b'a', bulk("x")), (b'b', Frame::Null)]);
        driven.answer(b"ng").await;
        assert_eq!(driven.answers(), []);
        driven.send(b"d");
        driven.answer(b"\r\n-ERR no\r\n").await;
        assert_eq!(driven.answers(), [(b'c', bulk("long")), (b'd', Frame::Error("ERR no".into()))]);
        let large = "x".repeat(700_000);
        driven.send(b"e");
        driven.answer(format!("$700000\r\n{large}\r\n").as_bytes()).await;
        assert_eq!(driven.answers(), [(b'e', Frame::BulkString(large.into()))]);
    }

    #[tokio::test]
    async fn a_stream_that_ends_or_makes_no_sense_leaves_those_who_wait() {
        for bytes in [&b""[..], b"?\r\n", b"$1\r\nx\r\n$1\r\ny\r\n"] {
            let mut driven = Driven::start(LIMIT);
            driven.send(if bytes.len() > 8 { b"a" } else { b"ab" });
            driven.answer(bytes).await;
            drop(std::mem::replace(&mut driven.server, duplex(1).0));
            driven.driving.await.unwrap();
            let left = driven.pipeline.left();
            assert_eq!(left, if bytes.len() > 8 { &b""[..] } else { b"ab" }, "{bytes:?}");
            assert_eq!(driven.pipeline.left(), b"");
        }
    }

    #[tokio::test]
    async fn what_is_late_is_given_up_and_nothing_is_sent_behind_it() {
        let mut driven = Driven::start(Duration::from_millis(50));
        driven.send(b"ab");
        while driven.taken.late.lock().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(*driven.taken.late.lock(), b"ab");
        assert_eq!(driven.send(b"c"), b"c");
        // Answers come after all, and are nobody's.
        driven.answer(b":1\r\n:2\r\n").await;
        assert_eq!(driven.answers(), []);
        assert_eq!(driven.send(b"d"), b"");
        driven.answer(b":3\r\n").await;
        assert_eq!(driven.answers(), [(b'd', Frame::Integer(3))]);
        // Nothing comes at all: the stream is of no use.
        driven.send(b"e");
        driven.driving.await.unwrap();
        assert_eq!(*driven.taken.late.lock(), b"abe");
        assert_eq!(driven.pipeline.left(), b"");
    }

    #[tokio::test]
    async fn bytes_that_arrive_are_a_sign_of_life_for_a_while() {
        let mut driven = Driven::start(Duration::from_millis(500));
        driven.send(b"ab");
        driven.answer(b"$9999\r\n").await;
        for _ in 0..15 {
            sleep(Duration::from_millis(50)).await;
            assert_eq!(*driven.taken.late.lock(), b"", "it goes on");
            driven.answer(b"x").await;
        }
        while driven.taken.late.lock().is_empty() {
            driven.answer(b"x").await;
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(*driven.taken.late.lock(), b"ab");
    }
}
