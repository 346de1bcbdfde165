//! The parameters of a URL.

use super::{Flaw, Parts, decode, number, put};
use crate::options::secret::Secret;
use crate::options::sources::flag_word;

impl Parts {
    /// Reads `name=value&...`. Case, `_` and `-` do not matter in names: every client spells them
    /// differently. An empty value is ignored: unset variables leave one.
    pub(super) fn read_query(&mut self, query: &str) -> Result<(), Flaw> {
        let mut after_secret = false;
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(Flaw::Parameter(None))?;
            let folded = name.replace(['_', '-'], "").to_ascii_lowercase();
            if !value.is_empty() && !self.read_parameter(&folded, decode(value)?)? {
                // A password with a plain `&` continues in what looks like a name.
                let is_told = !after_secret && is_word(name);
                return Err(Flaw::Parameter(is_told.then(|| name.into())));
            }
            after_secret |= folded.contains("pass");
        }
        Ok(())
    }

    /// Reads one parameter; `false` if there is none of this name.
    fn read_parameter(&mut self, name: &str, text: String) -> Result<bool, Flaw> {
        match name {
            "db" | "database" => put(&mut self.database, number(&text).ok_or(Flaw::Database)?)?,
            "user" | "username" => put(&mut self.username, text)?,
            "pass" | "password" => put(&mut self.password, Secret::new(text))?,
            "tls" => put(&mut self.tls, flag_word(&text).ok_or(Flaw::Flag("tls"))?)?,
            "ssl" => put(&mut self.tls, flag_word(&text).ok_or(Flaw::Flag("ssl"))?)?,
            // Addresses of both families are tried, whatever it says.
            "family" if matches!(text.as_str(), "0" | "4" | "6") => {}
            "family" => return Err(Flaw::Family),
            "sentinelmaster" | "sentinelmasterid" | "sentinelname" | "master" | "mastername"
            | "name" | "servicename" => put(&mut self.primary, text)?,
            "sentinelusername" => put(&mut self.sentinel_username, text)?,
            "sentinelpassword" => put(&mut self.sentinel_password, Secret::new(text))?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Whether a name is a plain word, and no piece of a secret.
fn is_word(name: &str) -> bool {
    name.len() <= 32 && name.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-".contains(&byte))
}
