//! The PowerShell channel: pipelines and script blocks.

use super::{Entry, Fields, Missing};
use crate::model::{HostWhat, Text};

/// Windows PowerShell.
pub const PROVIDER: &str = "Microsoft-Windows-PowerShell";
/// PowerShell 6 and later.
pub const CORE_PROVIDER: &str = "PowerShellCore";
/// The channel.
pub const CHANNEL: &str = "Microsoft-Windows-PowerShell/Operational";
/// Characters kept of a script.
const MAX_SCRIPT: usize = 4_096;

/// The table.
pub fn entry(event_id: u32) -> Option<Entry> {
    Some(Entry::written(match event_id {
        4103 => |f| script(f, "Payload"),
        4104 => |f| script(f, "ScriptBlockText"),
        _ => return None,
    }))
}

fn script(f: &mut Fields<'_, '_>, name: &'static str) -> Result<HostWhat, Missing> {
    let text = f.record.text(name).ok_or(Missing(name))?;
    let end = text
        .char_indices()
        .nth(MAX_SCRIPT)
        .map_or(text.len(), |(at, _)| at);
    Ok(HostWhat::Script {
        text: Text::from(&text[..end]),
        cut: end < text.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::read;
    use super::*;

    #[test]
    fn a_long_script_is_cut_between_characters() {
        let long: &'static str = Box::leak("ä".repeat(5_000).into_boxed_str());
        let what = read(PROVIDER, 4104, &[("ScriptBlockText", long)]).unwrap();
        assert!(
            matches!(&what, HostWhat::Script { text, cut: true } if text.chars().count() == MAX_SCRIPT)
        );
        let short = read(PROVIDER, 4104, &[("ScriptBlockText", "Get-Date")]).unwrap();
        assert!(matches!(short, HostWhat::Script { cut: false, .. }));
        assert_eq!(read(PROVIDER, 4103, &[]), Err(Missing("Payload")));
    }
}
