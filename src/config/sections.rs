//! The sections of the settings file, all but the rules.

use super::reader::{Reader, Value};
use super::{Config, Party};
use crate::analytics::about::Profile;
use crate::analytics::params::nearest;
use crate::analytics::register::Entry;
use crate::context::assets::{Asset, Role};
use crate::model::Network;
use std::collections::BTreeMap;
use std::net::IpAddr;
use toml::de::DeValue;

/// Settings that `[known]` adds to, in whichever analytic has one of that name.
const CHANGERS: [&str; 2] = ["RuleChangeAllowList", "AllowedFirewallChangers"];
const WAKE_WINDOWS: [&str; 1] = ["WoLAllowedWindows"];
const WAKE_SENDERS: [&str; 1] = ["WoLAllowedSenders"];

pub(super) fn profile(reader: &mut Reader, value: &Value<'_>) -> Option<Profile> {
    let name = reader.text(value, "profile")?;
    let found = Profile::named(&name);
    if found.is_none() {
        reader.fault(
            value.span().start,
            format!("there is no profile {name:?}; write default, strict or sensitive"),
        );
    }
    found
}

pub(super) fn networks(reader: &mut Reader, value: &Value<'_>, what: &str) -> Vec<Network> {
    reader.texts(value, what, Network::parse)
}

pub(super) fn case(config: &mut Config, reader: &mut Reader, value: &Value<'_>) {
    let Some(table) = reader.section(value, "case") else {
        return;
    };
    reader.only(table, "[case]", &["id", "examiner"]);
    for (key, value) in table {
        match &**key.get_ref() {
            "id" => config.case = reader.text(value, "id"),
            "examiner" => config.examiner = reader.text(value, "examiner"),
            _ => {}
        }
    }
}

fn address(text: &str) -> Result<IpAddr, String> {
    text.parse::<IpAddr>()
        .map(|a| a.to_canonical())
        .map_err(|_| format!("{text:?} is not an address; write it as 10.20.0.15"))
}

pub(super) fn hosts(config: &mut Config, reader: &mut Reader, value: &Value<'_>) {
    let Some(table) = reader.section(value, "hosts") else {
        return;
    };
    let mut held: BTreeMap<IpAddr, &str> = BTreeMap::new();
    for (key, value) in table {
        if reader.ends() {
            return;
        }
        let name: &str = key.get_ref();
        if let DeValue::Table(_) = value.get_ref() {
            // FS01.corp.example = … without quotes is a table in a table.
            reader.fault(
                key.span().start,
                format!("{name:?} is not an address; put a name with dots into quotes"),
            );
            continue;
        }
        for address in reader.texts(value, name, address) {
            let other = *held.entry(address).or_insert(name);
            if !other.eq_ignore_ascii_case(name) {
                let message = format!(
                    "{address} is already said to be {other}; an address belongs to one host"
                );
                reader.fault(value.span().start, message);
            }
            config.hosts.push((name.to_owned(), address));
        }
    }
}

pub(super) fn roles(config: &mut Config, reader: &mut Reader, value: &Value<'_>) {
    let Some(table) = reader.section(value, "roles") else {
        return;
    };
    for (key, value) in table {
        if reader.ends() {
            return;
        }
        let name: &str = key.get_ref();
        if let DeValue::Table(_) = value.get_ref() {
            reader.fault(
                key.span().start,
                format!("{name:?} is not a role; put a name with dots into quotes"),
            );
            continue;
        }
        let Some(word) = reader.text(value, name) else {
            continue;
        };
        let Some(role) = Role::ALL
            .into_iter()
            .find(|r| r.word().eq_ignore_ascii_case(&word))
        else {
            let words: Vec<&str> = Role::ALL.iter().map(|r| r.word()).collect();
            let near = nearest(&word, words.iter().copied()).unwrap_or_default();
            reader.fault(
                value.span().start,
                format!(
                    "there is no role {word:?}; the nearest is {near:?} (there are {})",
                    words.join(", ")
                ),
            );
            continue;
        };
        let asset = match name.parse::<IpAddr>() {
            Ok(address) => Asset::Address(address.to_canonical()),
            Err(_) => Asset::Name(name.to_owned()),
        };
        config.assets.roles.push((asset, role));
    }
}

pub(super) fn segments(config: &mut Config, reader: &mut Reader, value: &Value<'_>) {
    let Some(table) = reader.section(value, "segments") else {
        return;
    };
    let mut held: BTreeMap<Network, &str> = BTreeMap::new();
    for (key, value) in table {
        if reader.ends() {
            return;
        }
        let name: &str = key.get_ref();
        if name == "internal" {
            reader.fault(
                key.span().start,
                "internal ranges are no segment; write the line above the first [section]"
                    .to_owned(),
            );
            continue;
        }
        let networks = networks(reader, value, name);
        for network in &networks {
            let other = *held.entry(*network).or_insert(name);
            if other != name {
                let message = format!(
                    "{network} is already the segment {other}; a network belongs to one segment"
                );
                reader.fault(value.span().start, message);
            }
        }
        config.assets.segments.push((name.to_owned(), networks));
    }
}

pub(super) fn analytic(
    config: &mut Config,
    reader: &mut Reader,
    value: &Value<'_>,
    entry: &mut dyn Entry,
) {
    let id = entry.about().id;
    let Some(table) = reader.section(value, id) else {
        return;
    };
    for (key, value) in table {
        if reader.ends() {
            return;
        }
        let written: &str = key.get_ref();
        let Some(text) = reader.setting(value, written) else {
            continue;
        };
        match entry.set(written, &text) {
            Ok(()) => {
                let settings = entry.settings();
                let known = settings
                    .iter()
                    .find(|s| s.name.eq_ignore_ascii_case(written));
                let name = known.map_or(written, |s| s.name);
                if config.settings.iter().any(|(i, n, _)| i == id && n == name) {
                    reader.fault(key.span().start, format!("{name} stands twice; keep one"));
                }
                config.settings.push((id.to_owned(), name.to_owned(), text));
            }
            Err(error) => {
                let at = match error {
                    crate::analytics::params::SettingError::Unknown { .. } => key.span().start,
                    crate::analytics::params::SettingError::Value { .. } => value.span().start,
                };
                reader.fault(at, format!("[{id}] {error}"));
            }
        }
    }
}

/// `[known]`: what it names is added to the settings that hold such lists.
pub(super) fn known(
    config: &mut Config,
    reader: &mut Reader,
    value: &Value<'_>,
    entries: &mut [Box<dyn Entry>],
) {
    let Some(table) = reader.section(value, "known") else {
        return;
    };
    reader.only(
        table,
        "[known]",
        &["scanners", "changers", "wol", "wol_senders"],
    );
    for (key, value) in table {
        let (names, values): (&[&str], Vec<String>) = match &**key.get_ref() {
            "scanners" => {
                config.scanners = reader.texts(value, "scanners", Party::parse);
                continue;
            }
            "changers" => (&CHANGERS, listed(reader, value, "changers")),
            "wol" => (&WAKE_WINDOWS, reader.each(value, "wol", window)),
            "wol_senders" => (&WAKE_SENDERS, listed(reader, value, "wol_senders")),
            _ => continue,
        };
        for entry in entries.iter_mut() {
            for setting in entry.settings().iter().filter(|s| names.contains(&s.name)) {
                let mut all: Vec<&str> = values.iter().map(String::as_str).collect();
                if !setting.value.is_empty() {
                    all.insert(0, &setting.value);
                }
                let text = format!("[{}]", all.join(","));
                match entry.set(setting.name, &text) {
                    Ok(()) => {
                        let id = entry.about().id;
                        config
                            .settings
                            .retain(|(i, n, _)| i != id || n != setting.name);
                        config
                            .settings
                            .push((id.to_owned(), setting.name.to_owned(), text));
                    }
                    Err(error) => {
                        reader.fault(value.span().start, format!("{}: {error}", key.get_ref()))
                    }
                }
            }
        }
    }
}

/// Texts that can stand in the list of a setting.
fn listed(reader: &mut Reader, value: &Value<'_>, what: &str) -> Vec<String> {
    reader.each(value, what, |reader, item| {
        let text = reader.text(item, what)?;
        if text.contains([',', '"', '[', ']']) {
            reader.fault(
                item.span().start,
                format!(
                    "{what}: {text:?} cannot stand in a list; leave out commas, quotes and brackets"
                ),
            );
            return None;
        }
        Some(text)
    })
}

/// `{ from = "22:00Z", to = "23:00Z" }` or `"22:00-23:00"`.
fn window(reader: &mut Reader, value: &Value<'_>) -> Option<String> {
    let text = match value.get_ref() {
        DeValue::Table(table) => {
            reader.only(table, "wol", &["from", "to"]);
            let mut end = |wanted: &str| {
                let found = table.iter().find(|(key, _)| key.get_ref() == wanted);
                match found {
                    Some((_, value)) => reader.text(value, wanted),
                    None => {
                        reader.fault(
                            value.span().start,
                            format!("wol: {wanted} is missing; write it as {wanted} = \"22:00Z\""),
                        );
                        None
                    }
                }
            };
            let (from, to) = (end("from"), end("to"));
            format!("{}-{}", from?, to?)
        }
        _ => reader.text(value, "wol")?,
    };
    if crate::analytics::params::DayWindow::parse(&text).is_none() {
        reader.fault(
            value.span().start,
            format!("wol: {text:?} is not a window of the day; write it as \"22:00-23:30\" (UTC)"),
        );
        return None;
    }
    Some(text)
}
