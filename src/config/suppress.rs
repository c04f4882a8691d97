//! Reads `[[suppress]]`.

use super::Party;
use super::glob::Glob;
use super::reader::{Reader, Value};
use super::rule::{Rule, Until};
use super::window::Window;
use crate::analytics::params::nearest;
use crate::model::Timestamp;
use std::ops::RangeInclusive;
use toml::de::DeValue;

const KEYS: [&str; 12] = [
    "analytic", "source", "target", "host", "process", "account", "port", "rule", "windows",
    "reason", "by", "until",
];

pub(super) fn rules(reader: &mut Reader, value: &Value<'_>, ids: &[&str]) -> Vec<Rule> {
    match value.get_ref() {
        DeValue::Array(items)
            if items
                .iter()
                .all(|i| matches!(i.get_ref(), DeValue::Table(_))) =>
        {
            items
                .iter()
                .map_while(|item| (!reader.ends()).then(|| rule(reader, item, ids)))
                .flatten()
                .collect()
        }
        _ => {
            reader.fault(
                value.span().start,
                "suppress is a list of rules; write [[suppress]] above each".to_owned(),
            );
            Vec::new()
        }
    }
}

fn rule(reader: &mut Reader, value: &Value<'_>, ids: &[&str]) -> Option<Rule> {
    let DeValue::Table(table) = value.get_ref() else {
        return None;
    };
    let start = value.span().start;
    let before = reader.faults.len();
    reader.only(table, "[[suppress]]", &KEYS);
    let mut rule = Rule {
        line: reader.line(start),
        analytics: Vec::new(),
        sources: Vec::new(),
        targets: Vec::new(),
        hosts: Vec::new(),
        processes: Vec::new(),
        accounts: Vec::new(),
        ports: Vec::new(),
        rules: Vec::new(),
        windows: Vec::new(),
        reason: String::new(),
        by: String::new(),
        until: Until {
            words: String::new(),
            last: Timestamp::MIN,
        },
    };
    let glob = |text: &str| Ok(Glob::new(text));
    for (key, value) in table {
        match &**key.get_ref() {
            "analytic" => {
                rule.analytics = reader.texts(value, "analytic", |text| analytic(text, ids))
            }
            "source" => rule.sources = reader.texts(value, "source", Party::parse),
            "target" => rule.targets = reader.texts(value, "target", Party::parse),
            "host" => rule.hosts = reader.texts(value, "host", Party::parse),
            "process" => rule.processes = reader.texts(value, "process", glob),
            "account" => rule.accounts = reader.texts(value, "account", glob),
            "port" => rule.ports = reader.each(value, "port", port),
            "rule" => rule.rules = reader.texts(value, "rule", glob),
            "windows" => rule.windows = reader.texts(value, "windows", window),
            "reason" => rule.reason = reader.text(value, "reason").unwrap_or_default(),
            "by" => rule.by = reader.text(value, "by").unwrap_or_default(),
            "until" => rule.until = until(reader, value).unwrap_or(rule.until),
            _ => {}
        }
    }
    for (key, example) in [
        ("reason", "reason = \"Nessus, change CHG-1842\""),
        ("by", "by = \"A. Examiner\""),
        ("until", "until = \"2026-04-01\""),
    ] {
        if !table.iter().any(|(k, _)| k.get_ref() == key) {
            reader.fault(
                start,
                format!("this rule has no {key}, and none is taken without; add {example}"),
            );
        }
    }
    (reader.faults.len() == before).then_some(rule)
}

fn analytic(text: &str, ids: &[&str]) -> Result<String, String> {
    let known = ids.iter().find(|id| id.eq_ignore_ascii_case(text));
    known.map(|id| (*id).to_owned()).ok_or_else(|| {
        let near = nearest(text, ids.iter().copied()).unwrap_or_default();
        format!("there is no {text:?}; the nearest is {near:?} (see 'casewire analytics list')")
    })
}

fn window(text: &str) -> Result<Window, String> {
    Window::parse(text).ok_or_else(|| {
        format!(
            "{text:?} is not a window; write it as \"02:00-04:00\" or \"sun 01:00-05:00\" (UTC)"
        )
    })
}

fn port(reader: &mut Reader, value: &Value<'_>) -> Option<RangeInclusive<u16>> {
    let range = match value.get_ref() {
        DeValue::Integer(number) if number.radix() == 10 => {
            number.as_str().parse().ok().map(|p| p..=p)
        }
        DeValue::String(text) => match text.split_once('-') {
            Some((low, high)) => {
                let (low, high) = (low.trim().parse::<u16>(), high.trim().parse::<u16>());
                low.ok()
                    .zip(high.ok())
                    .filter(|(low, high)| low <= high)
                    .map(|(low, high)| low..=high)
            }
            None => text.trim().parse().ok().map(|p| p..=p),
        },
        _ => None,
    };
    if range.is_none() {
        reader.fault(
            value.span().start,
            "port is not a port from 0 to 65535; write it as 3389 or \"8000-8100\"".to_owned(),
        );
    }
    range
}

fn until(reader: &mut Reader, value: &Value<'_>) -> Option<Until> {
    let text = match value.get_ref() {
        DeValue::Datetime(time) => time.to_string(),
        _ => reader.text(value, "until")?,
    };
    let until = Until::parse(&text);
    if until.is_none() {
        reader.fault(
            value.span().start,
            format!(
                "until: {text:?} is not a day; write the last day of the rule as \"2026-04-01\""
            ),
        );
    }
    until
}
