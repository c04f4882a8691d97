//! EvtxECmd `--csv`, as KAPE runs it: a row for each record, what was logged as JSON in `Payload`.
//! Times are UTC without a mark of it.

use super::draft::{Draft, Refused, utc};
use super::pieces::Piece;
use crate::eventlog::record::Value as Field;
use crate::evidence::Form;
use crate::evidence::cells::cells;
use serde_json::Value;
use std::borrow::Cow;

/// Cells of a row at most.
pub const MOST_CELLS: usize = 64;

/// Reads a row; `header` names its cells.
pub fn read(
    piece: &Piece,
    header: &[String],
    take: &mut dyn FnMut(Draft<'_>),
) -> Result<(), Refused> {
    let row =
        std::str::from_utf8(piece.bytes()?).map_err(|_| Refused("a row of the CSV is no UTF-8"))?;
    let cells = cells(row, MOST_CELLS).ok_or(Refused("a row of the CSV has an open quote"))?;
    // Two files put one behind the other.
    if cells.first().is_some_and(|c| c == "RecordNumber") {
        return Ok(());
    }
    if cells.len() < header.len() {
        return Err(Refused("a row of the CSV has too few cells"));
    }
    let cell = |name: &str| {
        let at = header.iter().position(|h| h.eq_ignore_ascii_case(name))?;
        cells.get(at).map(|cell| &**cell)
    };
    let mut draft = Draft::new(Form::EvtxEcmd);
    let id = cell("EventId").and_then(|c| c.parse().ok());
    draft.event_id = id.ok_or(Refused("a record without a readable event id"))?;
    draft.channel = cell("Channel").unwrap_or("").into();
    draft.provider = cell("Provider").unwrap_or("").into();
    draft.computer = cell("Computer").unwrap_or("").into();
    draft.record_id = cell("EventRecordId").and_then(|c| c.parse().ok());
    draft.time = cell("TimeCreated").and_then(utc);
    let payload = cell("Payload").unwrap_or("");
    let payload: Value = match payload {
        "" => Value::Null,
        json => {
            serde_json::from_str(json).map_err(|_| Refused("the Payload of a row is no JSON"))?
        }
    };
    let data = &payload["EventData"]["Data"];
    let each = match data {
        Value::Array(all) => &all[..],
        one => std::slice::from_ref(one),
    };
    for one in each {
        if let Some(name) = one["@Name"].as_str() {
            let words = one["#text"].as_str().unwrap_or("");
            draft.field(name, Field::Text(Cow::Borrowed(words)));
        }
    }
    draft.fields_of(payload.get("UserData"));
    take(draft);
    Ok(())
}
