//! Template plans: where in a record's values each System field and each payload field lies.
//!
//! Windows writes an event as a template (the XML with numbered gaps) and the values for the gaps. A
//! template is parsed once per chunk into a plan; a record is then read by looking up values, and no
//! XML is ever built. An element written without a template becomes a plan without gaps, so both
//! forms take the same way. This module does not look at values; that is `decode`'s part.

use super::binxml::{ARRAY, BIN_XML, Cursor, Damage, value};
use super::glance::Places;
use super::record::{Value, decode_utf16};
use std::mem::take;

/// Elements open at once at most; real events have five.
const MAX_DEPTH: usize = 32;
/// The dependency that means none.
const NO_DEPENDENCY: u16 = 0xffff;

/// Where in the event a template or element begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Within {
    /// The record: the element is `Event`.
    Record,
    /// In `Event`: the element is `System`, `EventData` or `UserData`.
    Event,
    /// In `EventData`: the element is `Data` or another field.
    EventData,
    /// In `UserData`: the element holds the fields.
    UserData,
    /// In a field or its wrapper.
    Fields,
    /// Somewhere that is not read.
    Elsewhere,
}

/// A piece of text or a gap.
#[derive(Clone, Debug)]
pub(crate) enum Part<'c> {
    Literal(Value<'c>),
    Gap(u16),
}

/// What an element or attribute holds.
#[derive(Clone, Debug, Default)]
pub(crate) enum Source<'c> {
    #[default]
    Nothing,
    One(Part<'c>),
    Joined(Vec<Part<'c>>),
}

impl<'c> Source<'c> {
    fn push(&mut self, part: Part<'c>) {
        *self = match take(self) {
            Self::Nothing => Self::One(part),
            Self::One(first) => Self::Joined(vec![first, part]),
            Self::Joined(mut parts) => {
                parts.push(part);
                Self::Joined(parts)
            }
        };
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// A field's name.
#[derive(Clone, Debug)]
pub(crate) enum FieldName<'c> {
    Is(&'c [u8]),
    Gaps(Source<'c>),
}

/// One step of reading the payload, in document order.
#[derive(Debug)]
pub(crate) enum Step<'c> {
    Field {
        name: FieldName<'c>,
        source: Source<'c>,
        /// The value whose absence removes the element.
        depends_on: Option<usize>,
    },
    /// A gap that may hold binary XML of its own.
    Nested { gap: u16, within: Within },
}

/// The System fields.
#[derive(Debug, Default)]
pub(crate) struct SystemPlan<'c> {
    pub(crate) provider: Source<'c>,
    pub(crate) event_id: Source<'c>,
    pub(crate) time: Source<'c>,
    pub(crate) record_id: Source<'c>,
    pub(crate) channel: Source<'c>,
    pub(crate) computer: Source<'c>,
}

/// A parsed template or element.
#[derive(Debug, Default)]
pub(crate) struct Plan<'c> {
    pub(crate) system: SystemPlan<'c>,
    pub(crate) steps: Vec<Step<'c>>,
    /// Where its System fields lie, if all of them are plain values.
    pub(super) places: Option<Places<'c>>,
}

/// What an open element is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Role {
    Event,
    System,
    Provider,
    EventId,
    TimeCreated,
    RecordId,
    Channel,
    Computer,
    EventData,
    UserData,
    Field,
    #[default]
    Other,
}

/// An open element. Begun empty and filled where it lies: the compiler moves it in pieces that the
/// processor has to wait for.
#[derive(Default)]
struct Open<'c> {
    role: Role,
    element: &'c [u8],
    /// The attribute that counts: SystemTime for TimeCreated, Name for the others.
    attribute: Source<'c>,
    content: Source<'c>,
    has_children: bool,
    depends_on: Option<usize>,
}

/// Reads the elements at `cursor` until the end-of-fragment token or, for one element, until it is
/// closed. `in_template` says whether start tags carry a dependency.
pub(crate) fn parse<'c>(
    cursor: &mut Cursor<'c>,
    within: Within,
    in_template: bool,
) -> Result<Plan<'c>, Damage> {
    let mut plan = Plan::default();
    let mut open: Vec<Open<'c>> = Vec::new();
    // Whether the attribute being read is the one that counts.
    let mut counts = false;
    let mut in_start_tag = false;
    while !cursor.done() {
        let token = cursor.u8()?;
        match token {
            0x00 => break,
            0x01 | 0x41 => {
                if in_start_tag || open.len() >= MAX_DEPTH {
                    return Err(if in_start_tag {
                        Damage::Token
                    } else {
                        Damage::Excessive
                    });
                }
                let mut depends_on = None;
                if in_template {
                    let gap = cursor.u16()?;
                    depends_on = (gap != NO_DEPENDENCY).then_some(usize::from(gap));
                }
                // The length of the element; every token has its own end, so it is not needed.
                cursor.u32()?;
                let element = cursor.name()?;
                if token == 0x41 {
                    cursor.u32()?;
                }
                let (parent, inherited) = match open.last_mut() {
                    Some(parent) => {
                        parent.has_children = true;
                        (Some(parent.role), parent.depends_on)
                    }
                    None => (None, None),
                };
                open.push(Open::default());
                if let Some(begun) = open.last_mut() {
                    begun.role = role(parent, within, element);
                    begun.element = element;
                    begun.depends_on = depends_on.or(inherited);
                }
                in_start_tag = true;
                counts = false;
            }
            0x06 | 0x46 => {
                if !in_start_tag {
                    return Err(Damage::Token);
                }
                let name = cursor.name()?;
                counts = match open.last().map(|element| element.role) {
                    Some(Role::TimeCreated) => is(name, "SystemTime"),
                    _ => is(name, "Name"),
                };
            }
            0x02 => {
                if !in_start_tag {
                    return Err(Damage::Token);
                }
                in_start_tag = false;
            }
            0x03 | 0x04 => {
                if in_start_tag != (token == 0x03) {
                    return Err(Damage::Token);
                }
                in_start_tag = false;
                close(&mut plan, open.last_mut().ok_or(Damage::Token)?);
                open.pop();
            }
            0x05 | 0x45 | 0x07 | 0x47 | 0x08 | 0x48 | 0x09 | 0x49 => {
                let literal = literal(token, cursor)?;
                if let Some(target) = target(&mut open, counts, in_start_tag) {
                    target.push(Part::Literal(literal));
                }
            }
            0x0d | 0x0e => {
                if !in_template {
                    return Err(Damage::Token);
                }
                let gap = cursor.u16()?;
                cursor.u8()?;
                let nested = if in_start_tag {
                    None
                } else {
                    nested_within(open.last(), within)
                };
                match nested {
                    Some(within) => plan.steps.push(Step::Nested { gap, within }),
                    None => {
                        if let Some(target) = target(&mut open, counts, in_start_tag) {
                            target.push(Part::Gap(gap));
                        }
                    }
                }
            }
            0x0a => {
                cursor.name()?;
            }
            0x0b => {
                cursor.counted_text()?;
            }
            0x0f => {
                cursor.take(3)?;
            }
            // An instance inside an element written out: legal, and never seen.
            0x0c => return Err(Damage::Unusual),
            _ => return Err(Damage::Token),
        }
    }
    if open.is_empty() {
        plan.places = Places::of(&plan.system);
        Ok(plan)
    } else {
        Err(Damage::Token)
    }
}

/// The value of a literal token: text, character data, a character or an entity.
fn literal<'c>(token: u8, cursor: &mut Cursor<'c>) -> Result<Value<'c>, Damage> {
    Ok(match token & 0x0f {
        0x05 => match cursor.u8()? {
            0x01 => Value::Utf16(cursor.counted_text()?),
            kind if kind & ARRAY != 0 || kind == BIN_XML => return Err(Damage::Unusual),
            kind => {
                let length = match kind {
                    0x03 | 0x04 => 1,
                    0x05 | 0x06 => 2,
                    0x07 | 0x08 | 0x0b | 0x0d | 0x14 => 4,
                    0x09 | 0x0a | 0x0c | 0x11 | 0x15 => 8,
                    0x0f | 0x12 => 16,
                    _ => return Err(Damage::Unusual),
                };
                value(kind, cursor.take(length)?)
            }
        },
        0x07 => Value::Utf16(cursor.counted_text()?),
        0x08 => Value::Utf16(cursor.take(2)?),
        _ => {
            let entity = decode_utf16(cursor.name()?);
            Value::Text(
                match entity.as_str() {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "apos" => "'",
                    _ => return Err(Damage::Unusual),
                }
                .into(),
            )
        }
    })
}

/// Where text or a gap goes that stands here; `None` if nobody asks for it.
fn target<'o, 'c>(
    open: &'o mut [Open<'c>],
    counts: bool,
    in_start_tag: bool,
) -> Option<&'o mut Source<'c>> {
    let element = open.last_mut()?;
    if in_start_tag {
        return counts.then_some(&mut element.attribute);
    }
    match element.role {
        Role::EventId | Role::RecordId | Role::Channel | Role::Computer | Role::Field => {
            Some(&mut element.content)
        }
        _ => None,
    }
}

/// Where binary XML in a gap at this place belongs; `None` where a gap is a plain value.
fn nested_within(open: Option<&Open<'_>>, within: Within) -> Option<Within> {
    match open {
        None => Some(within),
        Some(element) => match element.role {
            Role::Event => Some(Within::Event),
            Role::EventData => Some(Within::EventData),
            Role::UserData => Some(Within::UserData),
            // A wrapper in UserData looks like a field until its content is known; binary XML in a
            // field is left to the general reader.
            _ => None,
        },
    }
}

fn role(parent: Option<Role>, within: Within, element: &[u8]) -> Role {
    let outer = match parent {
        None => within,
        Some(Role::Event) => Within::Event,
        Some(Role::EventData) => Within::EventData,
        Some(Role::UserData) => Within::UserData,
        Some(Role::Field) => Within::Fields,
        Some(Role::System) => {
            return match () {
                () if is(element, "Provider") => Role::Provider,
                () if is(element, "EventID") => Role::EventId,
                () if is(element, "TimeCreated") => Role::TimeCreated,
                () if is(element, "EventRecordID") => Role::RecordId,
                () if is(element, "Channel") => Role::Channel,
                () if is(element, "Computer") => Role::Computer,
                () => Role::Other,
            };
        }
        Some(_) => Within::Elsewhere,
    };
    match outer {
        Within::Record if is(element, "Event") => Role::Event,
        Within::Event if is(element, "System") => Role::System,
        Within::Event if is(element, "EventData") => Role::EventData,
        Within::Event if is(element, "UserData") => Role::UserData,
        Within::EventData | Within::UserData | Within::Fields => Role::Field,
        _ => Role::Other,
    }
}

fn close<'c>(plan: &mut Plan<'c>, closed: &mut Open<'c>) {
    let system = &mut plan.system;
    let (attribute, content) = (&mut closed.attribute, &mut closed.content);
    match closed.role {
        Role::Provider => system.provider = take(attribute),
        Role::TimeCreated => system.time = take(attribute),
        Role::EventId => system.event_id = take(content),
        Role::RecordId => system.record_id = take(content),
        Role::Channel => system.channel = take(content),
        Role::Computer => system.computer = take(content),
        Role::Field => {
            if closed.has_children && content.is_nothing() {
                return;
            }
            let is_data = is(closed.element, "Data");
            let field_name = match attribute {
                _ if !is_data => FieldName::Is(closed.element),
                Source::One(Part::Literal(Value::Utf16(text))) => FieldName::Is(text),
                Source::Nothing => FieldName::Is(&[]),
                gaps => FieldName::Gaps(take(gaps)),
            };
            plan.steps.push(Step::Field {
                name: field_name,
                source: take(content),
                depends_on: closed.depends_on,
            });
        }
        Role::Event | Role::System | Role::EventData | Role::UserData | Role::Other => {}
    }
}

/// True if UTF-16LE `text` is this ASCII word.
fn is(text: &[u8], word: &str) -> bool {
    text.len() == word.len() * 2
        && text
            .chunks_exact(2)
            .zip(word.bytes())
            .all(|(unit, byte)| unit == [byte, 0])
}
