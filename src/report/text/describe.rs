//! What the analytics are: a list, or one explained.

use super::Style;
use super::page::{Cell, Page, Tone};
use crate::analytics::about::Described;
use crate::analytics::rates::Measured;
use comfy_table::{ContentArrangement, Table, presets};

/// One line per analytic: id, version, techniques, name.
pub fn list(register: &[Described], style: &Style) -> String {
    let mut page = Page::new(style);
    if register.is_empty() {
        page.text(0, "This build holds no analytics.");
        return page.finish();
    }
    // The list is the one table that has no fixed columns: its library lays it out.
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(page.width).unwrap_or(u16::MAX))
        .set_header(["ANALYTIC", "VERSION", "TECHNIQUE", "NAME"]);
    for described in register {
        let about = &described.about;
        let techniques: Vec<&str> = about.technique.iter().map(|(id, _)| *id).collect();
        table.add_row([about.id, about.version, &techniques.join(", "), about.name]);
    }
    for (number, line) in table.lines().enumerate() {
        let tone = if number == 0 {
            Tone::Heading
        } else {
            Tone::Plain
        };
        page.row(&[Cell::new(0, page.width, line.trim()).tone(tone)]);
    }
    page.gap();
    page.text(0, "casewire analytics show <ID> explains one.");
    page.finish()
}

/// Logic, settings, needs, blind spots, harmless causes, actions, and the error rates of `measured`.
pub fn show(described: &Described, measured: Option<&Measured>, style: &Style) -> String {
    let about = &described.about;
    let mut page = Page::new(style);
    page.row(&[Cell::new(
        0,
        page.width,
        &format!("{} {}   {}", about.id, about.version, about.name),
    )
    .tone(Tone::Heading)]);
    let mut ids: Vec<String> = about
        .technique
        .iter()
        .map(|(id, name)| format!("{id} {name}"))
        .collect();
    if !about.strategy.is_empty() {
        ids.insert(0, about.strategy.to_owned());
    }
    if !ids.is_empty() {
        page.text(0, &ids.join(", "));
    }
    page.gap();
    page.text(2, about.summary);
    items("Conditions", about.steps, true, &mut page);
    if !about.needs.is_empty() {
        page.heading("Evidence it needs");
        for need in about.needs {
            page.hanging(2, "- ", &format!("{}: {}", need.name, need.what));
        }
    }
    settings(described, &mut page);
    items("What it cannot see", about.cannot_see, false, &mut page);
    items(
        "Harmless causes of the same picture",
        about.benign,
        false,
        &mut page,
    );
    items("What to do with a finding", about.actions, true, &mut page);
    if let Some(measured) = measured {
        page.heading("Known error rates");
        for sentence in measured.sentences(about.id, about.version) {
            page.hanging(2, "- ", &sentence);
        }
    }
    page.finish()
}

fn settings(described: &Described, page: &mut Page) {
    if described.settings.is_empty() {
        return;
    }
    page.heading(&format!(
        "Settings (--set {}.NAME=VALUE)",
        described.about.id
    ));
    for setting in &described.settings {
        let mut head = format!("{} = {}", setting.name, setting.value);
        if setting.changed() {
            head.push_str(&format!("   (default {})", setting.default));
        }
        page.hanging(2, "", &head);
        let mut facts = vec![setting.kind.to_owned()];
        if !setting.range.is_empty() {
            facts.push(setting.range.clone());
        }
        if !setting.source.is_empty() {
            facts.push(format!("source: {}", setting.source));
        }
        page.text(6, &format!("{} [{}]", setting.meaning, facts.join("; ")));
    }
}

fn items(heading: &str, list: &[&str], numbered: bool, page: &mut Page) {
    if list.is_empty() {
        return;
    }
    page.heading(heading);
    for (i, item) in list.iter().enumerate() {
        let mark = if numbered {
            format!("{}. ", i + 1)
        } else {
            "- ".to_owned()
        };
        page.hanging(2, &mark, item);
    }
}
