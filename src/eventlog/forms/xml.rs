//! Event XML (the schema of MS-EVEN6 3.1.4.7): `wevtutil qe /f:xml`, Event Viewer "Save as XML",
//! Splunk with `renderXml`, and EventData within other forms. Times are UTC.
//!
//! Only what a record needs is read: no entities but the five of XML and character references, no
//! document type, nothing outside the piece.

use super::draft::{Draft, Refused, utc};
use super::pieces::Piece;
use crate::eventlog::record::Value;
use crate::evidence::Form;
use std::borrow::Cow;

/// Elements within each other at most; an event has five.
const DEEPEST: usize = 64;

/// Reads a piece.
pub fn read(piece: &Piece, take: &mut dyn FnMut(Draft<'_>)) -> Result<(), Refused> {
    let text = String::from_utf8_lossy(piece.bytes()?);
    let mut draft = Draft::new(Form::Xml);
    let (mut id, mut closed) = (None, false);
    walk(&text, &mut |step| match step {
        Step::Open(path, element) => match path {
            ["Event", "System", "Provider"] => {
                if let Some(name) = element.attribute("Name") {
                    draft.provider = name;
                }
            }
            ["Event", "System", "TimeCreated"] => {
                draft.time = element.attribute("SystemTime").and_then(|t| utc(&t));
            }
            _ => {}
        },
        Step::Close(path, element, content) => match path {
            ["Event", "System", "EventID"] => id = content.trim().parse().ok(),
            ["Event", "System", "EventRecordID"] => draft.record_id = content.trim().parse().ok(),
            ["Event", "System", "Channel"] => draft.channel = trimmed(content),
            ["Event", "System", "Computer"] => draft.computer = trimmed(content),
            ["Event", rest @ ..] => {
                payload(rest, element, content, &mut draft);
                closed |= rest.is_empty();
            }
            _ => {}
        },
    })?;
    if !closed {
        return Err(Refused("an event of the XML is cut off"));
    }
    draft.event_id = id.ok_or(Refused("a record without a readable event id"))?;
    take(draft);
    Ok(())
}

/// Reads EventData or UserData alone, as other forms carry it, or the elements in it; what is damaged is
/// left out.
pub fn data<'a>(text: &'a str, draft: &mut Draft<'a>) {
    let _ = walk(text, &mut |step| {
        if let Step::Close(path, element, content) = step {
            let begin = path
                .iter()
                .position(|name| matches!(*name, "EventData" | "UserData"));
            match (begin, path) {
                (Some(begin), _) => payload(&path[begin..], element, content, draft),
                (None, ["Data"]) => payload(&["EventData", "Data"], element, content, draft),
                _ => {}
            }
        }
    });
}

fn payload<'a>(path: &[&str], element: &Element<'a>, content: Cow<'a, str>, draft: &mut Draft<'a>) {
    match path {
        ["EventData", "Data"] => {
            if let Some(name) = element.attribute("Name") {
                draft.field(name, Value::Text(content));
            }
        }
        ["EventData" | "UserData", .., name] if !element.has_children => {
            draft.field((*name).to_owned(), Value::Text(content));
        }
        _ => {}
    }
}

fn trimmed(content: Cow<'_, str>) -> Cow<'_, str> {
    match content {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

/// A start tag.
struct Element<'a> {
    name: &'a str,
    attributes: &'a str,
    has_children: bool,
}

impl<'a> Element<'a> {
    fn attribute(&self, wanted: &str) -> Option<Cow<'a, str>> {
        let mut rest = self.attributes;
        loop {
            let (name, after) = rest.split_once('=')?;
            let after = after.trim_start();
            let quote = after.chars().next().filter(|q| matches!(q, '"' | '\''))?;
            let (value, next) = after[1..].split_once(quote)?;
            if name.trim() == wanted {
                return Some(plain(value));
            }
            rest = next;
        }
    }
}

enum Step<'s, 'a> {
    /// An element begins; the path ends with its name.
    Open(&'s [&'a str], &'s Element<'a>),
    /// It ends, with the text that stood directly in it.
    Close(&'s [&'a str], &'s Element<'a>, Cow<'a, str>),
}

/// Walks the elements of `text`.
fn walk<'a>(text: &'a str, each: &mut dyn FnMut(Step<'_, 'a>)) -> Result<(), Refused> {
    let mut path: Vec<&'a str> = Vec::new();
    let mut open: Vec<(Element<'a>, Cow<'a, str>)> = Vec::new();
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'<', rest.as_bytes()) {
        add(&mut open, plain(&rest[..at]));
        rest = &rest[at..];
        let broken = Refused("an event of the XML has a broken tag");
        if let Some(after) = rest.strip_prefix("<![CDATA[") {
            let (content, next) = after.split_once("]]>").ok_or(broken)?;
            add(&mut open, Cow::Borrowed(content));
            rest = next;
        } else if let Some(after) = rest.strip_prefix("<!--") {
            rest = after.split_once("-->").ok_or(broken)?.1;
        } else if rest.starts_with("<?") || rest.starts_with("<!") {
            rest = rest.split_once('>').ok_or(broken)?.1;
        } else if let Some(after) = rest.strip_prefix("</") {
            let (name, next) = after.split_once('>').ok_or(broken)?;
            let (element, content) = open.pop().ok_or(broken)?;
            if element.name != name.trim() {
                return Err(Refused("an event of the XML closes what it did not open"));
            }
            each(Step::Close(&path, &element, content));
            path.pop();
            rest = next;
        } else {
            let end = tag_end(rest).ok_or(broken)?;
            let tag = &rest[1..end];
            let (tag, alone) = match tag.strip_suffix('/') {
                Some(tag) => (tag, true),
                None => (tag, false),
            };
            let split = tag.find(|c: char| c.is_ascii_whitespace());
            let (name, attributes) = tag.split_at(split.unwrap_or(tag.len()));
            if path.len() >= DEEPEST {
                return Err(Refused(
                    "an event of the XML is nested deeper than 64 elements",
                ));
            }
            if let Some((around, _)) = open.last_mut() {
                around.has_children = true;
            }
            path.push(name);
            let element = Element {
                name,
                attributes,
                has_children: false,
            };
            each(Step::Open(&path, &element));
            if alone {
                each(Step::Close(&path, &element, Cow::Borrowed("")));
                path.pop();
            } else {
                open.push((element, Cow::Borrowed("")));
            }
            rest = &rest[end + 1..];
        }
    }
    Ok(())
}

/// Where a start tag ends: at the first `>` outside quotes.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, byte) in tag.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return Some(at),
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(q), byte) if q == byte => quote = None,
            _ => {}
        }
    }
    None
}

fn add<'a>(open: &mut [(Element<'a>, Cow<'a, str>)], content: Cow<'a, str>) {
    if let Some((_, held)) = open.last_mut()
        && !content.is_empty()
    {
        match held.is_empty() {
            true => *held = content,
            false => held.to_mut().push_str(&content),
        }
    }
}

/// Text with its character references resolved; one that names no character stays as it is.
fn plain(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'&', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.as_bytes().iter().take(12).position(|b| *b == b';');
        let named = end.and_then(|end| Some((character(&rest[1..end])?, end)));
        match named {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn character(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}
