//! The sources of options: the object, then the environment.

use serde_json::{Map, Value};

use super::spec::{Callback, Choice, Flag, Names, Number, PLATFORM_URL, Text, URL};
use crate::error::Error;

/// A value and the name it was given under, for error messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given<T> {
    pub(super) name: &'static str,
    pub(super) value: T,
}

impl<T> Given<T> {
    /// The error for this value, which does not repeat it.
    pub(super) fn must_be(&self, allowed: &str, given: &str) -> Error {
        Error::InvalidOption {
            option: self.name.into(),
            allowed: allowed.into(),
            given: given.into(),
        }
    }

    /// The error for a value that needs another one.
    pub(super) fn needs(&self, what: &str) -> Error {
        self.must_be(&format!("set only with {what}"), "set without")
    }
}

/// The object of the caller, and the environment.
pub(super) struct Sources<'a> {
    pub(super) given: &'a Map<String, Value>,
    pub(super) env: &'a Map<String, Value>,
}

impl<'a> Sources<'a> {
    /// The number given, else the default.
    pub(super) fn number(&self, spec: &Number) -> Result<u64, Error> {
        Ok(self.given_number(spec)?.map_or(spec.default, |given| given.value))
    }

    pub(super) fn given_number<D>(&self, spec: &Number<D>) -> Result<Option<Given<u64>>, Error> {
        let Some(Given { name, value }) = self.find(spec.names) else { return Ok(None) };
        let number = match value {
            Value::Number(n) => n.as_u64().or_else(|| whole(n.as_f64()?)),
            Value::String(s) if name == spec.names.env => s.trim().parse().ok(),
            _ => None,
        };
        let &Number { least, most, .. } = spec;
        number
            .filter(|n| (least..=most).contains(n))
            .map(|value| Some(Given { name, value }))
            .ok_or_else(|| refused(name, format!("a whole number from {least} to {most}"), value))
    }

    /// The flag given, else the default.
    pub(super) fn flag(&self, spec: &Flag) -> Result<bool, Error> {
        Ok(self.given_flag(spec)?.map_or(spec.default, |given| given.value))
    }

    pub(super) fn given_flag<D>(&self, spec: &Flag<D>) -> Result<Option<Given<bool>>, Error> {
        let Some(Given { name, value }) = self.find(spec.names) else { return Ok(None) };
        let (flag, allowed) = match value {
            Value::Bool(flag) => (Some(*flag), "true or false"),
            Value::String(s) if name == spec.names.env => {
                (flag_word(s.trim()), "1, 0, true or false")
            }
            _ => (None, "true or false"),
        };
        flag.map(|value| Some(Given { name, value }))
            .ok_or_else(|| refused(name, allowed.into(), value))
    }

    /// The choice made, else the default.
    pub(super) fn choice<T: Copy>(&self, spec: &Choice<T>) -> Result<T, Error> {
        let Some(Given { name, value }) = self.find(spec.names) else { return Ok(spec.default) };
        let chosen = value.as_str().map(str::trim);
        let allowed = || spec.values.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" or ");
        spec.values
            .iter()
            .find(|(word, _)| Some(*word) == chosen)
            .map(|(_, value)| *value)
            .ok_or_else(|| refused(name, allowed(), value))
    }

    /// A text; an empty one counts as not given, and so does a line break around it.
    pub(super) fn text(&self, spec: &Text) -> Result<Option<Given<&'a str>>, Error> {
        let given = self.object(spec.names).filter(|given| !is_empty(given.value));
        given
            .or_else(|| self.variable(spec.names.env))
            .map(|given| checked(spec, given))
            .transpose()
    }

    /// The URL, also from the variable that platforms set.
    pub(super) fn url(&self) -> Result<Option<Given<&'a str>>, Error> {
        let own = self.text(&URL)?;
        let platform = || self.variable(PLATFORM_URL).map(|given| checked(&URL, given)).transpose();
        own.map_or_else(platform, |own| Ok(Some(own)))
    }

    /// A function, of which JavaScript only says that it is one.
    pub(super) fn callback(&self, spec: &Callback) -> Result<(), Error> {
        match self.object(spec.names) {
            None | Some(Given { value: Value::Bool(true), .. }) => Ok(()),
            Some(Given { name, .. }) => Err(Error::InvalidOption {
                option: name.into(),
                allowed: "a function".into(),
                given: "none".into(),
            }),
        }
    }

    fn find(&self, names: Names) -> Option<Given<&'a Value>> {
        self.object(names).or_else(|| self.variable(names.env))
    }

    fn object(&self, names: Names) -> Option<Given<&'a Value>> {
        let value = self.given.get(names.option).filter(|value| !value.is_null())?;
        Some(Given { name: names.option, value })
    }

    /// An empty variable is none: that is how shells and compose files unset one.
    fn variable(&self, name: &'static str) -> Option<Given<&'a Value>> {
        let value = self.env.get(name).filter(|value| !is_empty(value))?;
        Some(Given { name, value })
    }
}

fn checked<'a>(spec: &Text, given: Given<&'a Value>) -> Result<Given<&'a str>, Error> {
    let text = given.value.as_str().map(line).filter(|text| (spec.fits)(text));
    text.map(|value| Given { name: given.name, value })
        .ok_or_else(|| given.must_be(spec.allowed, "not"))
}

/// A text without the line break that files and commands end it with. Spaces may be part of a
/// password.
fn line(text: &str) -> &str {
    text.trim_matches(['\r', '\n'])
}

fn is_empty(value: &Value) -> bool {
    value.as_str().is_some_and(|text| line(text).is_empty())
}

/// A flag in words, as environments and URLs spell it.
pub(super) fn flag_word(word: &str) -> Option<bool> {
    match word {
        "1" | "true" | "on" | "yes" => Some(true),
        "0" | "false" | "off" | "no" => Some(false),
        _ => None,
    }
}

fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=9e15).contains(&number)).then_some(number as u64)
}

fn refused(option: &str, allowed: String, value: &Value) -> Error {
    // A long text may be a secret that went into the wrong variable.
    let given = match value {
        Value::String(text) if text.len() > 12 => format!("a text of {} characters", text.len()),
        Value::Array(_) | Value::Object(_) => "neither number nor text".into(),
        short => short.to_string(),
    };
    Error::InvalidOption { option: option.into(), allowed, given }
}
