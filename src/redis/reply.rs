//! Arguments and replies as the client has them: the same value comes as one of several.

use fred::types::Value;

use super::pipeline::Frame;
use super::wire;

/// An argument that is text.
pub(super) fn text(text: &str) -> Value {
    Value::from(text)
}

/// An argument that is a number, in decimal digits.
pub(super) fn decimal(number: u64) -> Value {
    Value::from(number.to_string())
}

/// The parts of an array.
pub(super) fn parts(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(parts) => Some(parts),
        _ => None,
    }
}

/// The bytes of a string, which the client returns as text or as bytes depending on its content.
pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        Value::String(text) => Some(text.as_bytes()),
        _ => None,
    }
}

/// A frame as a value.
pub(super) fn value(frame: Frame) -> Value {
    match frame {
        Frame::SimpleString(bytes) | Frame::BulkString(bytes) => Value::Bytes(bytes),
        Frame::Error(text) => Value::from(text.to_string()),
        Frame::Integer(number) => Value::Integer(number),
        Frame::Array(frames) => Value::Array(frames.into_iter().map(value).collect()),
        Frame::Null => Value::Null,
    }
}

/// A number, also in decimal digits.
pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        other => wire::number(bytes(other)?),
    }
}
