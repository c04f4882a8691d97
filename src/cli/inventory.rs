//! `casewire inventory`: say what evidence there is, and what it could answer.

use super::args::{Global, Inventory, InventoryFormat};
use super::exit::Exit;
use super::{output, progress, request};
use casewire::investigate;
use casewire::report::json;
use casewire::report::text::{Style, inventory};

/// Runs it.
pub fn run(args: &Inventory, global: &Global) -> anyhow::Result<Exit> {
    let mut wanted = request::of(&args.evidence, global)?;
    wanted.silence = args.gaps;
    output::zone(&args.times, args.format == InventoryFormat::Text, global);
    let sections = match args.sections.as_slice() {
        [] => &inventory::Section::ALL[..],
        some => some,
    };
    let found = {
        let progress = progress::shown(global);
        investigate::inventory(&wanted, &*progress)?
    };
    let bytes = match args.format {
        InventoryFormat::Text => {
            let style = Style {
                width: output::width(global),
                color: output::color(global),
                zone: args.times.tz.clone(),
                ..Style::default()
            };
            inventory::render(&found, sections, &style).into_bytes()
        }
        InventoryFormat::Json => json::inventory::inventory(&found, sections)?,
    };
    output::print(&bytes)?;
    Ok(match found.case.any_loss() {
        true => Exit::Unreadable,
        false => Exit::Done,
    })
}
