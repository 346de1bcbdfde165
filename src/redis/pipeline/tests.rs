use std::sync::Arc;

use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::*;

const LIMIT: Duration = Duration::from_secs(1);
const NO_PROBE: Probe = Probe { after: Duration::from_mins(10), command: b"" };

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
        Self::probing(limit, NO_PROBE)
    }

    fn probing(limit: Duration, probe: Probe) -> Self {
        let (server, stream) = duplex(1 << 20);
        let (pipeline, taken) = (Arc::new(Pipeline::new(limit, probe)), Arc::<Taken>::default());
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
        (&mut driven.driving).await.unwrap();
        let (left, answers) = (driven.pipeline.left(), driven.answers());
        let is_surplus = bytes.len() > 8;
        assert_eq!(left, if is_surplus { &b""[..] } else { b"ab" }, "{bytes:?}");
        assert_eq!(answers.len(), usize::from(is_surplus), "what came in order is an answer");
        assert_eq!(driven.pipeline.was_of_use(), is_surplus);
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
    (&mut driven.driving).await.unwrap();
    assert_eq!(*driven.taken.late.lock(), b"abe");
    assert_eq!(driven.pipeline.left(), b"");
}

#[tokio::test]
async fn what_is_sent_in_its_turn_comes_behind_what_is_late() {
    let mut driven = Driven::start(Duration::from_millis(500));
    driven.send(b"a");
    while driven.taken.late.lock().is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
    driven.pipeline.send_in_turn(b'b', |out| out.extend_from_slice(b"b"));
    assert_eq!(driven.sent(2).await, b"ab");
    driven.answer(b":1\r\n:2\r\n").await;
    assert_eq!(driven.answers(), [(b'b', Frame::Integer(2))]);
    assert_eq!(driven.send(b"c"), b"");
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

#[tokio::test]
async fn a_connection_that_died_in_silence_is_found_before_somebody_needs_it() {
    let probe = Probe { after: Duration::from_millis(50), command: b"p" };
    let mut driven = Driven::probing(Duration::from_millis(100), probe);
    assert_eq!(driven.sent(1).await, b"p");
    driven.send(b"a");
    driven.answer(b"+PONG\r\n:1\r\n").await;
    assert_eq!(driven.answers(), [(b'a', Frame::Integer(1))], "the other answer is nobody's");
    // Nobody asks for anything, and nothing comes any more.
    (&mut driven.driving).await.unwrap();
    assert_eq!(*driven.taken.late.lock(), b"");
}

#[tokio::test]
async fn who_only_gets_errors_has_no_use_of_it() {
    let mut driven = Driven::start(LIMIT);
    driven.send(b"a");
    driven.answer(b"-ERR max number of clients reached\r\n").await;
    assert_eq!(driven.answers().len(), 1);
    assert!(!driven.pipeline.was_of_use());
}
