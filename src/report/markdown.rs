//! What the analytics are, as Markdown: the pages under `docs/` are made from this, and a test
//! holds them to it.
//!
//! Only what an analytic says about itself; no case and no evidence text passes through here.

use crate::analytics::about::{Described, Need, Source};
use crate::analytics::rates::Measured;
use crate::context::coverage::Log;
use crate::model::host_event::Verdict;
use std::fmt::Write;

/// One analytic: what it looks for, steps, settings, needs, blind spots, harmless causes, actions.
pub fn analytic(described: &Described) -> String {
    let about = &described.about;
    let mut page = format!("# {}: {}\n\n", about.id, prose(about.name));
    let mut ids: Vec<String> = about
        .technique
        .iter()
        .map(|(id, name)| format!("{id} {}", prose(name)))
        .collect();
    if !about.strategy.is_empty() {
        ids.insert(0, about.strategy.to_owned());
    }
    paragraph(
        &mut page,
        &format!("Version {}. ATT&CK: {}.", about.version, ids.join(", ")),
    );
    page.push_str("## What it looks for\n\n");
    paragraph(&mut page, &prose(about.summary));
    items(&mut page, "How it decides", about.steps, true);
    settings(&mut page, described);
    needs(&mut page, about.needs);
    items(&mut page, "What it cannot see", about.cannot_see, false);
    items(
        &mut page,
        "Harmless causes of the same picture",
        about.benign,
        false,
    );
    items(&mut page, "What to do with a finding", about.actions, true);
    if let Some(measured) = Measured::kept() {
        let told = measured.sentences(about.id, about.version);
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        items(&mut page, "Known error rates", &told, false);
    }
    page
}

/// All settings of all analytics, and how a value is written.
pub fn configuration(register: &[Described]) -> String {
    let mut page = "# Settings\n\n".to_owned();
    paragraph(
        &mut page,
        "Every analytic declares its settings once, with name, default, range and source. A run \
         changes them with `--set ID.NAME=VALUE`, as often as needed:",
    );
    page.push_str(
        "```sh\ncasewire analyze evidence/ --set AN0842.MinSequenceLen=4 --set AN0842.TimeWindow=120s\n```\n\n",
    );
    paragraph(
        &mut page,
        "Case does not matter in ids and names. An unknown name is refused, with the nearest one \
         if there is one; a value outside its range is refused with the range.",
    );
    paragraph(
        &mut page,
        "`--profile strict` gives fewer incidents and surer ones, `--profile sensitive` more; where \
         a setting has another value in a profile, it stands under its default below. What wins: \
         `--set`, then the settings file, then the profile, then the default. The settings in force \
         stand in every JSON report under `parameters`, `parameters.sha256` names them, the text \
         report shows the start of that hash, and `casewire analyze -v` prints the settings on \
         standard error.",
    );
    page.push_str(SETTINGS_FILE);
    page.push_str("## How values are written\n\n| Type | Written as |\n|---|---|\n");
    for (kind, written) in KINDS {
        let _ = writeln!(page, "| {kind} | {written} |");
    }
    page.push('\n');
    for described in register {
        let about = &described.about;
        let _ = writeln!(page, "## {}: {}\n", about.id, prose(about.name));
        table(&mut page, described);
        let _ = writeln!(
            page,
            "What they mean together: [{0}](analytics/{0}.md).\n",
            about.id
        );
    }
    page
}

/// The settings file. The example is read by a test.
const SETTINGS_FILE: &str = include_str!("settings_file.md");

/// How a value of each type is written.
const KINDS: [(&str, &str); 6] = [
    (
        "duration",
        "a number with a unit: `25s`, `1.5s`, `500ms`, `250us`, `10ns`, `10m`, `24h`, `14d`; a bare number is \
         seconds",
    ),
    ("number", "a whole number: `4`"),
    ("yes or no", "`yes`, `true` or `on`; `no`, `false` or `off`"),
    (
        "ports",
        "port numbers with commas between them: `22,3389`; `[]` for none",
    ),
    (
        "names",
        "texts with commas between them: `netsh.exe,powershell.exe`; `[]` for none; case does not matter",
    ),
    (
        "windows of the day",
        "UTC, to the minute, both ends included: `22:00-23:30,01:00-02:00`; a window may pass midnight",
    ),
];

fn settings(page: &mut String, described: &Described) {
    if described.settings.is_empty() {
        return;
    }
    page.push_str("## Settings\n\n");
    table(page, described);
    let _ = writeln!(
        page,
        "Change one with `--set {}.NAME=VALUE`; [how values are written](../configuration.md).\n",
        described.about.id
    );
}

fn table(page: &mut String, described: &Described) {
    page.push_str("| Setting | Default | Takes | Meaning | Source |\n|---|---|---|---|---|\n");
    for setting in &described.settings {
        let default = if setting.default.is_empty() {
            "none".to_owned()
        } else {
            format!("`{}`", setting.default)
        };
        let default = setting
            .profiles
            .iter()
            .fold(default, |text, (profile, value)| {
                format!("{text}<br>{} `{value}`", profile.word())
            });
        // "any ports" already names the type; a range of numbers does not.
        let takes = match setting.range.strip_prefix("any ") {
            Some(kind) if kind == setting.kind => kind.to_owned(),
            _ => format!("{}, {}", setting.kind, setting.range),
        };
        let changed = if setting.changed() {
            format!("<br>in force: `{}`", setting.value)
        } else {
            String::new()
        };
        let _ = writeln!(
            page,
            "| `{}` | {default}{changed} | {} | {} | {} |",
            setting.name,
            prose(&takes),
            prose(setting.meaning),
            prose(setting.source)
        );
    }
    page.push('\n');
}

fn needs(page: &mut String, needs: &[Need]) {
    if needs.is_empty() {
        return;
    }
    page.push_str("## Evidence it needs\n\n");
    page.push_str("| Evidence | Without it | Any one of | How to have it |\n|---|---|---|---|\n");
    for need in needs {
        let from: Vec<String> = need.from.iter().map(source).collect();
        let without = if need.essential {
            "nothing can be found"
        } else {
            "a part of the pattern still can"
        };
        let _ = writeln!(
            page,
            "| {} | {without} | {} | {} |",
            prose(need.name),
            from.join("; "),
            prose(need.what)
        );
    }
    page.push_str("\nThe commands that switch it on: [evidence guide](../evidence-guide.md).\n\n");
}

fn source(source: &Source) -> String {
    match source {
        Source::Packets => "packets".to_owned(),
        Source::Frames => {
            "packets of 144 bytes and more (no log of connections, no capture cut below that)"
                .to_owned()
        }
        Source::History(span) => format!(
            "{} h of evidence, or a baseline",
            span.0 / 3_600_000_000_000
        ),
        Source::Outcomes => {
            "Sysmon 3 (in part: only beside other connections of the same program and port)"
                .to_owned()
        }
        Source::Events(Log::FirewallText, ids) => {
            let dropped = ids.contains(&Log::id_of_row(Verdict::Dropped));
            let rows = if dropped { "drops" } else { "connections" };
            format!("{rows} of pfirewall.log (in part: it does not tell all)")
        }
        Source::Events(log, ids) => {
            let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
            format!("{} {}", log.name(), ids.join(", "))
        }
    }
}

fn items(page: &mut String, heading: &str, list: &[&str], numbered: bool) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(page, "## {heading}\n");
    for (i, item) in list.iter().enumerate() {
        let mark = if numbered {
            format!("{}. ", i + 1)
        } else {
            "- ".to_owned()
        };
        let _ = writeln!(page, "{mark}{}", prose(item));
    }
    page.push('\n');
}

fn paragraph(page: &mut String, text: &str) {
    page.push_str(text);
    page.push_str("\n\n");
}

/// Text that Markdown prints as it is, in a table cell too.
fn prose(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '<' | '[' | '|') {
            safe.push('\\');
        }
        safe.push(if c.is_control() { ' ' } else { c });
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::about::{About, Setting};
    use crate::analytics::register;

    fn described(setting: Setting) -> Described {
        let about = About {
            id: "AN0000",
            version: "1.0.0",
            name: "a | b",
            technique: &[("T1", "One")],
            strategy: "",
            summary: "*all* of <it>",
            steps: &[],
            needs: &[],
            cannot_see: &[],
            benign: &[],
            severities: &[],
            same_chain: None,
            actions: &[],
        };
        Described {
            about,
            settings: vec![setting],
        }
    }

    #[test]
    fn what_markdown_would_take_for_markup_is_printed_as_it_is() {
        let page = analytic(&described(Setting {
            name: "Names",
            kind: "names",
            default: String::new(),
            profiles: Vec::new(),
            value: "x.exe".to_owned(),
            range: "any names".to_owned(),
            meaning: "one\nor | more",
            source: "casewire",
        }));
        assert!(page.contains("# AN0000: a \\| b\n"));
        assert!(page.contains("\\*all\\* of \\<it>"));
        assert!(page.contains(
            "| `Names` | none<br>in force: `x.exe` | names | one or \\| more | casewire |"
        ));
    }

    #[test]
    fn every_type_that_a_setting_has_is_explained() {
        for entry in register::all() {
            for setting in entry.settings() {
                assert!(
                    KINDS.iter().any(|(kind, _)| *kind == setting.kind),
                    "{} is not explained",
                    setting.kind
                );
            }
        }
    }
}
