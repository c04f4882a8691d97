//! `casewire analytics`: what there is, and what one of them does.

use super::args::{Analytics, AnalyticsCommand, Global, PageFormat};
use super::exit::Exit;
use super::{output, request};
use casewire::analytics::rates::Measured;
use casewire::investigate;
use casewire::report::markdown;
use casewire::report::text::{Style, describe};

/// Runs it.
pub fn run(args: &Analytics, global: &Global) -> anyhow::Result<Exit> {
    let register = investigate::register(&[])?;
    let style = Style {
        width: output::width(global),
        color: output::color(global),
        ..Style::default()
    };
    let page = match &args.what {
        None | Some(AnalyticsCommand::List) => describe::list(&register, &style),
        Some(AnalyticsCommand::Show { id, format }) => {
            let one = request::analytic(&register, id)?;
            match format {
                PageFormat::Text => describe::show(one, Measured::kept().as_ref(), &style),
                PageFormat::Md => markdown::analytic(one),
            }
        }
    };
    output::print(page.as_bytes())?;
    Ok(Exit::Done)
}
