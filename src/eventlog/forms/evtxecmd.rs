//! EvtxECmd `--csv`, as KAPE runs it, and `--json`: a row or an object for each record, what was logged as
//! JSON in the text `Payload`. Times are UTC, in a CSV without a mark of it.

use super::draft::{Draft, Refused, first_text, number, utc};
use super::pieces::Piece;
use crate::eventlog::record::Value as Field;
use crate::evidence::Form;
use crate::evidence::cells::cells;
use serde_json::{Map, Value};
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
    let payload = opened(payload)?;
    fields(&payload, &mut draft);
    take(draft);
    Ok(())
}

/// Reads an object of `--json`, which has the names of the CSV.
pub fn read_object(
    object: &Map<String, Value>,
    take: &mut dyn FnMut(Draft<'_>),
) -> Result<(), Refused> {
    let mut draft = Draft::new(Form::EvtxEcmdJson);
    draft.id(object.get("EventId"))?;
    draft.channel = first_text(object, &["Channel"]);
    draft.provider = first_text(object, &["Provider"]);
    draft.computer = first_text(object, &["Computer"]);
    draft.record_id = object.get("EventRecordId").and_then(number);
    draft.time = utc(&first_text(object, &["TimeCreated"]));
    let payload = opened(&first_text(object, &["Payload"]))?;
    fields(&payload, &mut draft);
    take(draft);
    Ok(())
}

/// What is written in the text `Payload`.
fn opened(payload: &str) -> Result<Value, Refused> {
    match payload {
        "" => Ok(Value::Null),
        json => {
            serde_json::from_str(json).map_err(|_| Refused("the Payload of a record is no JSON"))
        }
    }
}

fn fields<'a>(payload: &'a Value, draft: &mut Draft<'a>) {
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
}
