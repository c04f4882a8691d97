//! A record while a form fills it in.

use super::receipt::Receipt;
use crate::eventlog::record::{Name, Place, Record, TextPlace, Value};
use crate::evidence::Form;
use crate::model::{Span, Timed, Timestamp};
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// Why a piece of text is no record, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub &'static str);

/// Fields of one record at most; a real one has below a hundred.
const MOST_FIELDS: usize = 1_024;

/// A record in the making.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// The form it has.
    pub form: Form,
    pub event_id: u32,
    pub channel: Cow<'a, str>,
    pub provider: Cow<'a, str>,
    pub computer: Cow<'a, str>,
    pub time: Option<Timestamp>,
    /// Which clock the time is of.
    pub timed: Timed,
    /// When it was received, where that may tell the zone of a local time.
    pub receipt: Option<Receipt>,
    pub record_id: Option<u64>,
    pub fields: Vec<(Name<'a>, Value<'a>)>,
}

impl<'a> Draft<'a> {
    /// An empty one.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            event_id: 0,
            channel: Cow::Borrowed(""),
            provider: Cow::Borrowed(""),
            computer: Cow::Borrowed(""),
            time: None,
            timed: Timed::Utc,
            receipt: None,
            record_id: None,
            fields: Vec::new(),
        }
    }

    /// The record, as it lies at `line`.
    pub fn record(self, line: u64, offset: u64) -> Record<'a> {
        Record {
            place: Place {
                offset,
                record_id: self.record_id.unwrap_or(0),
                text: Some(TextPlace {
                    line,
                    timed: self.timed,
                }),
            },
            event_id: self.event_id,
            channel: self.channel,
            provider: self.provider,
            computer: self.computer,
            time: self.time,
            fields: self.fields.into(),
        }
    }

    /// Brings a local time to UTC, which it is ahead of by `zone`.
    pub fn is_ahead(&mut self, zone: Span) {
        self.time = self.time.map(|time| time.shifted(zone.negated()));
        (self.timed, self.receipt) = (Timed::Utc, None);
    }

    /// Adds a field.
    pub fn field(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) {
        if self.fields.len() < MOST_FIELDS {
            self.fields.push((Name::Text(name.into()), value));
        }
    }

    /// Undoes backslashes that are doubled throughout a value: what wrote it has escaped it twice.
    pub fn undouble(&mut self) {
        for (_, value) in &mut self.fields {
            if let Value::Text(text) = value
                && let Some(single) = undoubled(text)
            {
                *text = Cow::Owned(single);
            }
        }
    }

    /// Adds all members of a JSON object; what lies in objects within is added as well, without the
    /// name of the object, as UserData has it.
    pub fn fields_of(&mut self, object: Option<&'a Json>) {
        let Some(Json::Object(object)) = object else {
            return;
        };
        for (name, value) in object {
            match value {
                _ if name.starts_with('#') => {}
                Json::Object(inner) if inner.contains_key("#text") => {
                    self.field(name.as_str(), of_json(&inner["#text"]));
                }
                Json::Object(inner) => {
                    for (name, value) in inner.iter().filter(|(n, _)| !n.starts_with(['#', '@'])) {
                        self.field(name.as_str(), of_json(value));
                    }
                }
                value => self.field(name.as_str(), of_json(value)),
            }
        }
    }

    /// Sets the event id from a number or its text.
    pub fn id(&mut self, value: Option<&Json>) -> Result<(), Refused> {
        let id = value.and_then(number).and_then(|n| u32::try_from(n).ok());
        self.event_id = id.ok_or(Refused("a record without a readable event id"))?;
        Ok(())
    }
}

/// A JSON value as a field's value. What is no scalar has no words.
pub fn of_json(value: &Json) -> Value<'_> {
    match value {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::String(text) => Value::Text(Cow::Borrowed(text)),
        Json::Number(n) => match (n.as_u64(), n.as_i64()) {
            (Some(n), _) => Value::Unsigned(n),
            (_, Some(n)) => Value::Signed(n),
            _ => Value::Text(Cow::Owned(n.to_string())),
        },
        Json::Array(_) | Json::Object(_) => Value::Null,
    }
}

/// A whole number, or the text of one.
pub fn number(value: &Json) -> Option<u64> {
    match value {
        Json::String(text) => text.trim().parse().ok(),
        value => value.as_u64(),
    }
}

/// The text with single backslashes, where all of them come in pairs. The pair that begins the name of a
/// computer is one of its own if there is no other.
fn undoubled(text: &str) -> Option<String> {
    let pairs = text.matches(r"\\").count();
    if pairs == 0 || pairs == 1 && text.starts_with(r"\\") {
        return None;
    }
    let single = text.replace(r"\\", "").contains('\\');
    (!single).then(|| text.replace(r"\\", r"\"))
}

/// A member's text; empty where there is none.
pub fn text<'a>(object: &'a Json, name: &str) -> Cow<'a, str> {
    Cow::Borrowed(object.get(name).and_then(Json::as_str).unwrap_or(""))
}

/// The same of a record's own members, the first of `names` that has any text.
pub fn first_text<'a>(object: &'a Map<String, Json>, names: &[&str]) -> Cow<'a, str> {
    let texts = names.iter().filter_map(|n| object.get(*n)?.as_str());
    Cow::Borrowed(texts.into_iter().find(|t| !t.is_empty()).unwrap_or(""))
}

/// A moment written in UTC, with or without a mark of it.
pub fn utc(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text)
}
