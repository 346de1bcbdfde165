//! What the command line asks for, on Node's thread pool: there it holds up nobody. [`instances`] and
//! [`accounts`], which an app asks for, do not wait there.

use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Buffer, Either, Utf16String};
use napi::{Env, Task};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::{Value, json};

use super::env::State;
use super::{app, raw, read};
use crate::app::cells::Cell;
use crate::app::replies::{Reply, Slot};
use crate::guard::guard;
use crate::next::value::{PartRef, ValueKind, count, is_sound, part};
use crate::operate::fleet::Receive;
use crate::operate::orders::{Order, Place};
use crate::operate::server::Trouble;
use crate::operate::{Inspected, Operator as Asked};
use crate::process;

/// Looks at the shared tier from outside.
#[napi]
pub struct Operator(Arc<Asked>);

#[napi]
impl Operator {
    /// What is known without the server, as JSON.
    #[napi(catch_unwind)]
    pub fn about(&self) -> String {
        self.0.about().to_string()
    }

    /// Carries out an order in JSON; resolves to JSON, an object with `trouble` if it failed.
    #[napi]
    pub fn run(&self, order: String) -> AsyncTask<Running> {
        AsyncTask::new(Running { operator: self.0.clone(), order })
    }

    /// Nobody waits for what it was asked: the process is about to end, and would wait for the thread.
    #[napi(catch_unwind)]
    pub fn end(&self) {
        self.0.end();
    }

    /// Ends the connections, until something is asked again.
    #[napi]
    pub fn close(&self) -> AsyncTask<Closing> {
        AsyncTask::new(Closing(self.0.clone()))
    }

    /// Reads and decodes the entry at a place in JSON.
    #[napi]
    pub fn inspect(&self, place: String) -> AsyncTask<Inspecting> {
        AsyncTask::new(Inspecting { operator: self.0.clone(), place })
    }
}

/// An operator of the shared tier that was configured, or is given; none without one. `given` and
/// `env` are JSON; `namespace` is that of the app.
#[napi(catch_unwind)]
pub fn operator(
    given: String,
    env: String,
    namespace: String,
) -> napi::Result<Option<Operator>, String> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let made = process::operator(&parse(&given), &parse(&env), &namespace);
    let refused =
        |error: crate::error::Error| napi::Error::new(error.code().to_owned(), error.to_string());
    Ok(made.map_err(refused)?.map(|operator| Operator(Arc::new(operator))))
}

/// The tag of all entries of a kind.
#[napi(catch_unwind)]
pub fn kind_tag(kind: u32) -> Option<String> {
    ValueKind::from_number(kind).map(|kind| text(kind.kind_tag().as_bytes()))
}

/// The tag of the entry of a key, in the app with this label.
#[napi(catch_unwind)]
pub fn key_tag(kind: u32, label: String, key: Utf16String) -> Option<String> {
    ValueKind::from_number(kind).map(|kind| text(kind.key_tag(&label, &key).as_bytes()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn troubled(trouble: Trouble) -> Value {
    json!({ "trouble": trouble })
}

/// An order under way.
pub struct Running {
    operator: Arc<Asked>,
    order: String,
}

impl Task for Running {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<String> {
        let done = guard(|| match serde_json::from_str::<Order>(&self.order) {
            Ok(order) => self.operator.carry_out(order).unwrap_or_else(troubled),
            Err(error) => troubled(Trouble::failed(error.to_string())),
        });
        Ok(done.unwrap_or_else(|| troubled(Trouble::failed("a defect of tiercel"))).to_string())
    }

    fn resolve(&mut self, _: Env, done: String) -> napi::Result<String> {
        Ok(done)
    }
}

/// Connections that are being closed.
pub struct Closing(Arc<Asked>);

impl Task for Closing {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> napi::Result<()> {
        guard(|| self.0.close());
        Ok(())
    }

    fn resolve(&mut self, _: Env, (): ()) -> napi::Result<()> {
        Ok(())
    }
}

/// A place as JavaScript names it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Address { address: String },
    Key { kind: u32, key: String, build: Option<String> },
}

impl Named {
    fn place(self) -> Result<Place, Trouble> {
        match self {
            Self::Address { address } => Ok(Place::Address { address }),
            Self::Key { kind, key, build } => {
                let kind = ValueKind::from_number(kind);
                let kind = kind.ok_or_else(|| Trouble::failed("no kind has this number"))?;
                Ok(Place::Key { class: kind.class(), key, build })
            }
        }
    }
}

/// `instances()`: a token to wait with; `answered` has what the instances of the fleet tell of
/// themselves, as JSON in a row of one.
pub(super) extern "C" fn instances(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<0>(env, info, |call| told(env, call.state, process::instances))
}

/// `accounts(of)`: what they remember about something, likewise.
pub(super) extern "C" fn accounts(env: raw::Env, info: raw::Info) -> raw::Value {
    raw::call::<1>(env, info, |call| {
        let [of] = call.args;
        let of = read::with_units(env, of, String::from_utf16_lossy).unwrap_or_default();
        told(env, call.state, |receive| process::accounts(of, receive))
    })
}

fn told(env: raw::Env, state: &State, ask: impl FnOnce(Receive)) -> raw::Value {
    let slot = Slot::new(state.replies.clone(), state.shared.clone());
    let fill = slot.clone();
    ask(Box::new(move |told| fill.fill(Reply::Row(vec![Cell::Bytes(told)]))));
    app::taken(env, state, &slot)
}

/// The URL behind the key of a `fetch`.
#[napi(catch_unwind)]
pub fn note_url(key: String, url: String) {
    process::note_url(&key, &url);
}

/// What this process counted in each minute of the last hour, as JSON.
#[napi(catch_unwind)]
pub fn history() -> String {
    process::history().to_string()
}

/// A read under way.
pub struct Inspecting {
    operator: Arc<Asked>,
    place: String,
}

/// What was read.
#[napi(object)]
pub struct Read {
    /// All but the body, as JSON.
    pub about: String,
    /// When it was generated, in ms.
    pub created_ms: f64,
    /// The body, and its parts two by two, as `assemble` takes them; none without a sound one.
    pub body: Option<Buffer>,
    pub json: Option<Utf16String>,
    pub parts: Vec<Option<Either<Utf16String, u32>>>,
}

impl Task for Inspecting {
    type Output = Result<Option<Inspected>, Trouble>;
    type JsValue = Read;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let read = guard(|| {
            let place = serde_json::from_str::<Named>(&self.place);
            let place = place.map_err(|error| Trouble::failed(error.to_string()))?;
            self.operator.inspect(&place.place()?)
        });
        Ok(read.unwrap_or_else(|| Err(Trouble::failed("a defect of tiercel"))))
    }

    fn resolve(&mut self, _: Env, read: Self::Output) -> napi::Result<Read> {
        Ok(match read {
            Ok(Some(inspected)) => taken_apart(inspected),
            Ok(None) => bare(&json!({ "unknown": true }), 0.0),
            Err(trouble) => bare(&troubled(trouble), 0.0),
        })
    }
}

fn bare(about: &Value, created_ms: f64) -> Read {
    Read { about: about.to_string(), created_ms, body: None, json: None, parts: Vec::new() }
}

fn taken_apart(inspected: Inspected) -> Read {
    let Inspected { about, format, created_ms, body } = inspected;
    let mut read = bare(&about, created_ms);
    if ValueKind::from_number(format.into()).is_none() || !is_sound(&body) {
        return read;
    }
    for index in 0..count(&body) {
        let two = match part(&body, index) {
            Some(PartRef::Bytes(bytes, offset)) => {
                [Some(Either::B(offset as u32)), Some(Either::B(bytes.len() as u32))]
            }
            Some(PartRef::Latin1(bytes)) => {
                let units: Vec<u16> = bytes.iter().map(|byte| u16::from(*byte)).collect();
                [Some(Either::A(units.into())), None]
            }
            Some(PartRef::Utf16(bytes)) => {
                let (units, _) = bytes.as_chunks();
                let units: Vec<u16> = units.iter().map(|two| u16::from_ne_bytes(*two)).collect();
                [Some(Either::A(units.into())), None]
            }
            Some(PartRef::Absent) | None => [None, None],
        };
        read.parts.extend(two);
    }
    // The first part is the text that describes the others.
    let mut parts = std::mem::take(&mut read.parts).into_iter();
    if let (Some(Some(Either::A(json))), _) = (parts.next(), parts.next()) {
        read.json = Some(json);
        read.parts = parts.collect();
        read.body = Some(Vec::from(body).into());
    }
    read
}
