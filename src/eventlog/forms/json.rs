//! One JSON object to one record, by whatever form it has: a text may hold several.

use super::draft::{Draft, Refused};
use super::pieces::{self, Piece};
use super::{
    azure, chainsaw, evtx_dump, evtxecmd, nxlog, powershell, velociraptor, wazuh, winlogbeat,
};
use crate::evidence::Form;
use crate::evidence::form::{Carried, carried, inner, plain, xml};
use serde_json::{Map, Value};

/// The longest record that is read, in bytes. A record of Windows is at most 64 KiB, which as JSON
/// is 200 KiB with every character escaped; shippers add the message and fields of their own. As
/// values JSON takes up to a hundred times its length in memory.
const LONGEST: usize = 1024 * 1024;

/// Reads a piece. Depth is bounded by serde_json: 128 levels.
pub fn read(piece: &Piece, take: &mut dyn FnMut(Draft<'_>)) -> Result<(), Refused> {
    let bytes = piece.bytes()?;
    if bytes.len() > LONGEST {
        return Err(Refused("a JSON record is longer than 1 MiB"));
    }
    let object: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| {
        Refused(match error.classify() {
            serde_json::error::Category::Eof => "a JSON record is cut off",
            _ if error.to_string().contains("recursion limit") => {
                "a JSON record is nested deeper than 128 levels"
            }
            _ => "a line or record is no JSON object",
        })
    })?;
    match carried(&object) {
        Some(Carried::Document(source)) => record(source, take),
        Some(Carried::Raw(text)) if xml(text) => {
            let events = pieces::events_of(text.as_bytes());
            events
                .iter()
                .try_for_each(|event| super::xml::read(event, take))
        }
        Some(Carried::Raw(text)) => {
            let no_record = Refused("a raw event that is neither XML nor JSON");
            record(&inner(text).ok_or(no_record)?, take)
        }
        None => record(&object, take),
    }
}

/// Reads a record that nothing is wrapped around.
fn record(object: &Map<String, Value>, take: &mut dyn FnMut(Draft<'_>)) -> Result<(), Refused> {
    let form = match plain(object) {
        Some(Ok(form)) => form,
        Some(Err(unusable)) => return Err(Refused(unusable.why())),
        None => {
            return Err(Refused(
                "a JSON object that is no event record of a known form",
            ));
        }
    };
    let draft = match form {
        Form::EvtxDump => evtx_dump::draft(object),
        Form::Winlogbeat => winlogbeat::draft(object),
        Form::Winlogbeat6 => winlogbeat::draft_of_6(object),
        Form::Nxlog => nxlog::draft(object),
        Form::PowerShell => powershell::draft(object),
        Form::Azure => return azure::read(object, take),
        Form::EvtxEcmdJson => return evtxecmd::read_object(object, take),
        Form::Chainsaw => return chainsaw::read(object, take),
        Form::Velociraptor if object.contains_key("System") => velociraptor::draft(object),
        Form::Velociraptor => velociraptor::draft_of_hunt(object),
        Form::Wazuh => wazuh::draft(object),
        Form::Xml | Form::EvtxEcmd | Form::FirewallLog | Form::ZeekConn => Err(Refused(
            "a JSON object that is no event record of a known form",
        )),
    }?;
    take(draft);
    Ok(())
}
