//! Reads values out of the parsed file and notes every mistake with its line, so that one run names
//! all of them, or the first hundred that are met.

use super::fault::Fault;
use crate::analytics::params::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Mistakes that are told. A file with more is no settings file, or one that a program wrote wrongly.
pub(super) const MOST: usize = 100;

/// What was found wrong with the file.
pub(super) struct Reader {
    /// Where its lines end.
    ends: Vec<usize>,
    pub faults: Vec<Fault>,
    /// Looking ended before the file did.
    pub more: bool,
}

/// Kinds of value, as a person calls them.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a section",
    }
}

impl Reader {
    pub fn new(text: &str) -> Self {
        Self {
            ends: memchr::memchr_iter(b'\n', text.as_bytes()).collect(),
            faults: Vec::new(),
            more: false,
        }
    }

    /// The line of a place in the file.
    pub fn line(&self, offset: usize) -> usize {
        1 + self.ends.partition_point(|end| *end < offset)
    }

    pub fn fault(&mut self, offset: usize, message: String) {
        if self.is_full() {
            self.more = true;
            return;
        }
        let line = self.line(offset);
        self.faults.push(Fault { line, message });
    }

    /// True if no further mistake is told: looking on would only take time.
    pub fn is_full(&self) -> bool {
        self.faults.len() >= MOST
    }

    /// The same for whoever has more to read: that looking ended is then told.
    pub fn ends(&mut self) -> bool {
        self.more |= self.is_full();
        self.is_full()
    }

    /// Notes every key of `table` that is not one of `keys`.
    pub fn only(&mut self, table: &DeTable<'_>, name: &str, keys: &[&str]) {
        for (key, _) in table {
            if self.ends() {
                return;
            }
            let written: &str = key.get_ref();
            if !keys.contains(&written) {
                let near = nearest(written, keys.iter().copied()).unwrap_or_default();
                self.fault(
                    key.span().start,
                    format!(
                        "there is no {written:?} in {name}; the nearest is {near:?} (it takes {})",
                        keys.join(", ")
                    ),
                );
            }
        }
    }

    /// A section: a table.
    pub fn section<'v, 't>(&mut self, value: &'v Value<'t>, name: &str) -> Option<&'v DeTable<'t>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            DeValue::Array(_) => {
                self.fault(
                    value.span().start,
                    format!("{name} stands once; write [{name}], not [[{name}]]"),
                );
                None
            }
            _ => {
                self.fault(
                    value.span().start,
                    format!("{name} is a section; write [{name}] on a line of its own"),
                );
                None
            }
        }
    }

    /// A text that is not empty.
    pub fn text(&mut self, value: &Value<'_>, what: &str) -> Option<String> {
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                self.fault(
                    value.span().start,
                    format!("{what} is empty; write it or leave the line out"),
                );
                None
            }
            DeValue::String(text) => Some(text.trim().to_owned()),
            other => {
                let message = format!("{what} is {}; write it as a text in quotes", kind(other));
                self.fault(value.span().start, message);
                None
            }
        }
    }

    /// One value or a list of values, each read by `read`.
    pub fn each<'t, T>(
        &mut self,
        value: &Value<'t>,
        what: &str,
        mut read: impl FnMut(&mut Self, &Value<'t>) -> Option<T>,
    ) -> Vec<T> {
        match value.get_ref() {
            DeValue::Array(items) if items.is_empty() => {
                self.fault(
                    value.span().start,
                    format!("{what} is an empty list; leave the line out"),
                );
                Vec::new()
            }
            DeValue::Array(items) => items
                .iter()
                .map_while(|item| (!self.ends()).then(|| read(self, item)))
                .flatten()
                .collect(),
            _ => read(self, value).into_iter().collect(),
        }
    }

    /// One text or a list of texts, each made into something.
    pub fn texts<T>(
        &mut self,
        value: &Value<'_>,
        what: &str,
        make: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        self.each(value, what, |reader, item| {
            let text = reader.text(item, what)?;
            match make(&text) {
                Ok(made) => Some(made),
                Err(why) => {
                    reader.fault(item.span().start, format!("{what}: {why}"));
                    None
                }
            }
        })
    }

    /// A value of an analytic's setting, written as `--set` takes it.
    pub fn setting(&mut self, value: &Value<'_>, name: &str) -> Option<String> {
        match value.get_ref() {
            DeValue::Array(items) => {
                let mut parts = Vec::new();
                for item in items {
                    let part = match item.get_ref() {
                        DeValue::Array(_) | DeValue::Table(_) => {
                            self.fault(
                                item.span().start,
                                format!("{name} takes a list of single values"),
                            );
                            return None;
                        }
                        _ => self.setting(item, name)?,
                    };
                    // The text of a list is read again by commas, brackets and quotes.
                    if part.contains([',', '"', '[', ']']) {
                        self.fault(
                            item.span().start,
                            format!("{name}: {part:?} cannot stand in a list; leave out commas, quotes and brackets"),
                        );
                        return None;
                    }
                    parts.push(part);
                }
                Some(format!("[{}]", parts.join(",")))
            }
            DeValue::String(text) => Some(text.trim().to_owned()),
            DeValue::Integer(number) => {
                match i64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => Some(number.to_string()),
                    Err(_) => {
                        self.fault(
                            value.span().start,
                            format!("{name}: {number} is too large a number"),
                        );
                        None
                    }
                }
            }
            DeValue::Float(number) => Some(number.as_str().to_owned()),
            DeValue::Boolean(yes) => Some(if *yes { "yes" } else { "no" }.to_owned()),
            other @ (DeValue::Datetime(_) | DeValue::Table(_)) => {
                let message = format!(
                    "{name} cannot be {}; write it as a text in quotes",
                    kind(other)
                );
                self.fault(value.span().start, message);
                None
            }
        }
    }
}
