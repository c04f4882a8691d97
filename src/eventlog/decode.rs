//! One record's binary XML: its System fields, then, if wanted, its payload fields.
//!
//! The event id is known before anything else is read, and a record nobody asked for costs no more
//! than that and what the log's summary needs.

use super::binxml::{ARRAY, BIN_XML, Cursor, Damage, array_items, value};
use super::glance::{self, Glance};
use super::plan::{FieldName, Part, Plan, Source, Step, Within, parse};
use super::record::{Name, Value};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::borrow::Cow;
use std::rc::Rc;

/// Nested pieces of binary XML in one record; real records have one.
const MAX_NESTING: usize = 8;
/// What the records of one chunk may cost together: bytes of templates parsed, plus fields and
/// their bytes. A real chunk holds 64 KiB and names each byte about once; a crafted one could make
/// a thousand records unfold the same 60 KB.
pub(crate) const CHUNK_BUDGET: usize = 2 << 20;

/// Bytes of one text put together from several parts; a record holds less than 64 KiB.
const MAX_JOINED: usize = 256 << 10;

/// What a record says of itself.
#[derive(Debug, Default)]
pub(crate) struct System<'c> {
    pub(crate) provider: Option<Value<'c>>,
    pub(crate) event_id: Option<Value<'c>>,
    pub(crate) time: Option<Value<'c>>,
    pub(crate) record_id: Option<Value<'c>>,
    pub(crate) channel: Option<Value<'c>>,
    pub(crate) computer: Option<Value<'c>>,
}

/// A field's name and value.
pub(crate) type Field<'c> = (Name<'c>, Value<'c>);

/// Reads the records of one chunk, remembering its templates.
pub(crate) struct Decoder<'c> {
    chunk: &'c [u8],
    plans: HashMap<(usize, Within), Planned<'c>, FixedState>,
    /// The plan of the last record glanced at: most have the same.
    last: Option<(usize, Rc<Plan<'c>>)>,
    budget: usize,
    tables: Vec<Vec<Slot>>,
}

type Planned<'c> = Result<Rc<Plan<'c>>, Damage>;

/// Type and place of one value.
#[derive(Clone, Copy, Debug)]
struct Slot {
    kind: u8,
    start: u32,
    length: u16,
}

/// A record read as far as it was wanted. One is used for record after record: it is too large to
/// be handed around.
#[derive(Debug, Default)]
pub(crate) struct Decoded<'c> {
    pub(crate) system: System<'c>,
    /// The payload; nothing if the record was not wanted.
    pub(crate) fields: Vec<Field<'c>>,
    /// What the gate said.
    pub(crate) wanted: bool,
}

struct Work<'c, 'w> {
    record: &'w mut Decoded<'c>,
    gate: &'w dyn Fn(&System<'c>) -> bool,
    asked: bool,
}

impl Work<'_, '_> {
    fn ask(&mut self) {
        if !self.asked {
            self.asked = true;
            self.record.wanted = (self.gate)(&self.record.system);
        }
    }

    /// True once the gate has said no.
    fn is_over(&self) -> bool {
        self.asked && !self.record.wanted
    }
}

impl<'c> Decoder<'c> {
    pub(crate) fn new(chunk: &'c [u8]) -> Self {
        Self {
            chunk,
            plans: HashMap::default(),
            last: None,
            budget: CHUNK_BUDGET,
            tables: Vec::new(),
        }
    }

    /// Reads the record whose binary XML is `chunk[at..end]` into `record`. `gate` is asked once, as
    /// soon as the event id is known; if it says no, the payload is not read.
    pub(crate) fn record(
        &mut self,
        at: usize,
        end: usize,
        gate: &dyn Fn(&System<'c>) -> bool,
        record: &mut Decoded<'c>,
    ) -> Result<(), Damage> {
        record.system = System::default();
        record.fields.clear();
        record.wanted = false;
        let mut work = Work {
            record,
            gate,
            asked: false,
        };
        if self.budget == 0 {
            return Err(Damage::Excessive);
        }
        let cursor = Cursor::new(self.chunk, at, end)?;
        self.fragment(cursor, Within::Record, 0, &mut work)?;
        work.ask();
        Ok(())
    }

    fn charge(&mut self, cost: usize) -> Result<(), Damage> {
        if let Some(left) = self.budget.checked_sub(cost) {
            self.budget = left;
            Ok(())
        } else {
            self.budget = 0;
            Err(Damage::Excessive)
        }
    }

    fn fragment(
        &mut self,
        mut cursor: Cursor<'c>,
        within: Within,
        depth: usize,
        work: &mut Work<'c, '_>,
    ) -> Result<(), Damage> {
        if depth >= MAX_NESTING {
            return Err(Damage::Excessive);
        }
        while !cursor.done() {
            let start = cursor;
            match cursor.u8()? {
                0x00 => break,
                0x0f => {
                    cursor.take(3)?;
                }
                0x0c => {
                    self.instance(&mut cursor, within, depth, work)?;
                    if work.is_over() {
                        break;
                    }
                }
                0x01 | 0x41 => {
                    self.charge(start.end() - start.at())?;
                    // Start tags outside a template carry no dependency, but some writers put one.
                    let plan = parse(&mut start.clone(), within, false)
                        .or_else(|_| parse(&mut start.clone(), within, true))?;
                    return self.run(&plan, &[], depth, work);
                }
                _ => return Err(Damage::Token),
            }
        }
        Ok(())
    }

    fn instance(
        &mut self,
        cursor: &mut Cursor<'c>,
        within: Within,
        depth: usize,
        work: &mut Work<'c, '_>,
    ) -> Result<(), Damage> {
        // Version (1), template id (4), offset of its definition (4).
        cursor.take(5)?;
        let definition = cursor.offset()?;
        let plan = self.plan(definition, within)?;
        if definition == cursor.at() {
            cursor.take(20)?;
            let length = cursor.offset()?;
            cursor.take(length)?;
        }
        let count = cursor.offset()?;
        let descriptors = cursor.take(count.checked_mul(4).ok_or(Damage::OutOfBounds)?)?;
        let mut table = self.tables.pop().unwrap_or_default();
        table.clear();
        let mut at = cursor.at();
        table.extend(descriptors.as_chunks::<4>().0.iter().map(|descriptor| {
            let [low, high, kind, _] = *descriptor;
            let length = u16::from_le_bytes([low, high]);
            let start = at as u32;
            at += usize::from(length);
            Slot {
                kind,
                start,
                length,
            }
        }));
        let result = cursor
            .take(at - cursor.at())
            .and_then(|_| self.run(&plan, &table, depth, work));
        self.tables.push(table);
        result
    }

    fn plan(&mut self, definition: usize, within: Within) -> Planned<'c> {
        if let Some(plan) = self.plans.get(&(definition, within)) {
            return plan.clone();
        }
        let plan = self.parse_definition(definition, within).map(Rc::new);
        self.plans.insert((definition, within), plan.clone());
        plan
    }

    /// What the record whose binary XML is `chunk[at..end]` says at a glance; `None` where only
    /// `record` can tell.
    pub(crate) fn glance(&mut self, at: usize, end: usize) -> Option<Glance<'c>> {
        let record = self.chunk.get(at..end)?;
        let definition = glance::template(record)?;
        if definition == at + glance::OUTLINE || self.budget == 0 {
            return None;
        }
        let known = self.last.as_ref().filter(|(last, _)| *last == definition);
        if known.is_none() {
            let plan = self.plans.get(&(definition, Within::Record))?;
            self.last = Some((definition, Rc::clone(plan.as_ref().ok()?)));
        }
        let (_, plan) = self.last.as_ref()?;
        plan.places.as_ref()?.look(record)
    }

    fn parse_definition(&mut self, definition: usize, within: Within) -> Result<Plan<'c>, Damage> {
        // Next definition (4), GUID (16), length of what follows (4).
        let mut header = Cursor::new(self.chunk, definition, self.chunk.len())?;
        header.take(20)?;
        let length = header.offset()?;
        let end = header.at().checked_add(length).ok_or(Damage::OutOfBounds)?;
        self.charge(length.min(self.chunk.len()))?;
        let mut body = Cursor::new(self.chunk, header.at(), end)?;
        parse(&mut body, within, true)
    }

    /// Fills a System field, if this plan has it and no other had it before.
    fn hold(
        &mut self,
        held: &mut Option<Value<'c>>,
        source: &Source<'c>,
        values: &Values<'c, '_>,
    ) -> Result<(), Damage> {
        match source {
            _ if held.is_some() => {}
            Source::Nothing => {}
            Source::One(part) => *held = Some(values.part(part)?),
            Source::Joined(_) => {
                let found = values.of(source)?;
                self.charge(size(&found))?;
                *held = Some(found);
            }
        }
        Ok(())
    }

    fn run(
        &mut self,
        plan: &Plan<'c>,
        table: &[Slot],
        depth: usize,
        work: &mut Work<'c, '_>,
    ) -> Result<(), Damage> {
        let values = Values {
            chunk: self.chunk,
            table,
        };
        let (planned, system) = (&plan.system, &mut work.record.system);
        self.hold(&mut system.provider, &planned.provider, &values)?;
        self.hold(&mut system.event_id, &planned.event_id, &values)?;
        self.hold(&mut system.time, &planned.time, &values)?;
        self.hold(&mut system.record_id, &planned.record_id, &values)?;
        self.hold(&mut system.channel, &planned.channel, &values)?;
        self.hold(&mut system.computer, &planned.computer, &values)?;
        if system.event_id.is_some() {
            work.ask();
        }
        if work.is_over() {
            return Ok(());
        }
        self.charge(plan.steps.len())?;
        let fields = &mut work.record.fields;
        fields.reserve(plan.steps.len().min(table.len() + 1));
        for step in &plan.steps {
            match step {
                Step::Nested { gap, within } => {
                    let Some(slot) = values.slot(*gap) else {
                        continue;
                    };
                    if slot.kind == BIN_XML && slot.length > 0 {
                        let start = slot.start as usize;
                        let inner =
                            Cursor::new(self.chunk, start, start + usize::from(slot.length))?;
                        self.fragment(inner, *within, depth + 1, work)?;
                    } else if slot.length > 0 && slot.kind != 0 {
                        // Text where elements belong: nothing a field could be named by.
                        return Err(Damage::Unusual);
                    }
                }
                Step::Field {
                    name,
                    source,
                    depends_on,
                } => {
                    if depends_on.is_some_and(|gap| values.is_absent(gap)) {
                        continue;
                    }
                    let name = match name {
                        FieldName::Is(name) => Name::Utf16(name),
                        FieldName::Gaps(source) => {
                            let found = values.of(source)?;
                            self.charge(size(&found))?;
                            match found {
                                Value::Utf16(name) => Name::Utf16(name),
                                other => Name::Text(other.text().into_owned().into()),
                            }
                        }
                    };
                    if let Source::One(Part::Gap(gap)) = source
                        && let Some(slot) = values.slot(*gap)
                        && slot.kind & ARRAY != 0
                    {
                        // An array repeats its element ([MS-EVEN6] 3.1.4.7.5).
                        self.charge(usize::from(slot.length))?;
                        let bytes = values.bytes(slot)?;
                        array_items(slot.kind, bytes, &mut |item| {
                            work.record.fields.push((name.clone(), item));
                        })?;
                        continue;
                    }
                    let found = values.of(source)?;
                    self.charge(size(&found))?;
                    work.record.fields.push((name, found));
                }
            }
        }
        Ok(())
    }
}

/// Bytes a value brings along.
fn size(value: &Value<'_>) -> usize {
    match value {
        Value::Utf16(bytes) | Value::Binary(bytes) | Value::Sid(bytes) => bytes.len(),
        Value::Text(text) => text.len(),
        _ => 0,
    }
}

struct Values<'c, 't> {
    chunk: &'c [u8],
    table: &'t [Slot],
}

impl<'c> Values<'c, '_> {
    fn slot(&self, gap: u16) -> Option<Slot> {
        self.table.get(usize::from(gap)).copied()
    }

    fn bytes(&self, slot: Slot) -> Result<&'c [u8], Damage> {
        let start = slot.start as usize;
        self.chunk
            .get(start..start + usize::from(slot.length))
            .ok_or(Damage::OutOfBounds)
    }

    /// True if the value is the null that removes an element depending on it.
    fn is_absent(&self, gap: usize) -> bool {
        self.table.get(gap).is_some_and(|slot| slot.kind == 0)
    }

    #[inline]
    fn part(&self, part: &Part<'c>) -> Result<Value<'c>, Damage> {
        match part {
            Part::Literal(literal) => Ok(literal.clone()),
            Part::Gap(gap) => match self.slot(*gap) {
                None => Ok(Value::Null),
                Some(slot) if slot.kind == BIN_XML || slot.kind & ARRAY != 0 => {
                    Err(Damage::Unusual)
                }
                Some(slot) => Ok(value(slot.kind, self.bytes(slot)?)),
            },
        }
    }

    fn of(&self, source: &Source<'c>) -> Result<Value<'c>, Damage> {
        match source {
            Source::Nothing => Ok(Value::Null),
            Source::One(part) => self.part(part),
            Source::Joined(parts) => {
                let mut joined = String::new();
                for part in parts {
                    joined.push_str(&self.part(part)?.text());
                    if joined.len() > MAX_JOINED {
                        return Err(Damage::Excessive);
                    }
                }
                Ok(Value::Text(Cow::Owned(joined)))
            }
        }
    }
}
