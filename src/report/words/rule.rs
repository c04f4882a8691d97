//! The words for firewall rules and filters.

use super::host::{action_word, added_word, append, direction_word};
use super::{Form, base, name, quoted};
use crate::model::Direction;
use crate::model::firewall::{Filter, Layer, Ports, Remotes, Rule, RuleChange, RuleSource};
use crate::model::net::Transport;

pub(super) fn sentence(change: RuleChange, source: RuleSource, rule: &Rule, form: Form) -> String {
    let done = match change {
        // The registry does not say whether a value is new.
        RuleChange::Added if source == RuleSource::Registry => "rule set",
        RuleChange::Added => "rule added",
        RuleChange::Modified => "rule changed",
        RuleChange::Removed => "rule deleted",
        RuleChange::NotApplied => "rule not applied",
        RuleChange::Listed => "rule listed",
        RuleChange::AllRemoved => "all rules deleted or reset",
    };
    let mut text = done.to_owned();
    let mut said = String::new();
    if let Some(direction) = rule.direction {
        push_word(&mut said, direction_word(direction));
    }
    if let Some(action) = rule.action {
        push_word(&mut said, action_word(action));
    }
    push_word(&mut said, &ports_and_protocol(rule));
    if rule.active == Some(false) {
        push_word(&mut said, "(disabled)");
    }
    if !rule.name.is_empty() {
        push_word(&mut said, &quoted(&rule.name));
    } else if !rule.id.is_empty() {
        push_word(&mut said, &quoted(&rule.id));
    }
    if !said.is_empty() {
        text.push_str(": ");
        text.push_str(&said);
    }
    if form == Form::Long {
        text.push_str(&other_ends(rule));
        text.push_str(&profiles(rule.profiles));
        append(&mut text, ", for program ", &rule.application);
        append(&mut text, ", for service ", &rule.service);
        // Sysmon sees who writes the value: mostly the firewall's service, whoever asked it to.
        let by = match (source, change) {
            (RuleSource::Registry, RuleChange::Removed) => ", value deleted by ",
            (RuleSource::Registry, _) => ", value written by ",
            _ => ", by ",
        };
        append(&mut text, by, base(&rule.changed_by));
        append(&mut text, ", account ", &rule.changed_by_user);
        if source == RuleSource::Registry {
            text.push_str(", seen in the registry");
        }
    }
    text
}

pub(super) fn filter(filter: &Filter, form: Form) -> String {
    let mut said = String::new();
    if let Some(action) = filter.action {
        push_word(&mut said, action_word(action));
    }
    let protocol = filter.protocol.map(Some);
    push_word(&mut said, &socket_words(&filter.local_ports, protocol));
    if !filter.name.is_empty() {
        push_word(&mut said, &quoted(&filter.name));
    }
    let mut text = format!("filter {}", added_word(filter.added));
    if !said.is_empty() {
        text.push_str(": ");
        text.push_str(&said);
    }
    if form == Form::Long {
        if filter.layer != Layer::Other {
            text.push_str(", layer ");
            text.push_str(layer_word(filter.layer));
        }
        append(&mut text, ", for program ", &filter.application);
        if filter.further {
            text.push_str(", under further conditions");
        }
        append(&mut text, ", provider ", &filter.provider);
    }
    text
}

/// The layer's name in JSON and text.
pub(in crate::report) fn layer_word(layer: Layer) -> &'static str {
    match layer {
        Layer::Other => "other",
        Layer::FirewallLog => "firewall-log",
        Layer::Bind => "bind",
        Layer::Listen => "listen",
        Layer::Accept => "accept",
        Layer::Connect => "connect",
        Layer::Transport => "transport",
        Layer::IcmpError => "icmp-error",
    }
}

fn push_word(text: &mut String, word: &str) {
    if !word.is_empty() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
}

/// The ports that are tried: of a rule for outbound traffic the remote ones.
fn ports_and_protocol(rule: &Rule) -> String {
    let outbound = rule.direction == Some(Direction::Outbound);
    let ports = match rule.remote_ports {
        Ports::Unknown => &rule.local_ports,
        _ if outbound => &rule.remote_ports,
        _ => &rule.local_ports,
    };
    socket_words(ports, rule.protocol)
}

/// `4444/tcp`, `any port/tcp`, `protocol udp`, or nothing where the source does not say.
fn socket_words(ports: &Ports, protocol: Option<Option<u8>>) -> String {
    let protocol = match protocol {
        None => None,
        Some(None) => Some("any protocol".to_owned()),
        Some(Some(number)) => Some(Transport(number).to_string()),
    };
    match (ports_text(ports), protocol) {
        (Some(ports), Some(protocol)) => format!("{ports}/{protocol}"),
        (Some(ports), None) => ports,
        (None, Some(protocol)) => protocol,
        (None, None) => String::new(),
    }
}

/// `4444,5000-5010`, `any port`, `135,RPC`; `None` where the source does not say.
pub(in crate::report) fn ports_text(ports: &Ports) -> Option<String> {
    match ports {
        Ports::Unknown => None,
        Ports::Any => Some("any port".to_owned()),
        Ports::Keyword(words) => Some(keywords(words)),
        Ports::Mixed(ranges, words) => {
            let ports = ports_text(&Ports::Ranges(ranges.clone()))?;
            Some(format!("{ports},{}", keywords(words)))
        }
        Ports::Ranges(ranges) => {
            let each: Vec<String> = ranges
                .iter()
                .map(|(low, high)| {
                    if low == high {
                        low.to_string()
                    } else {
                        format!("{low}-{high}")
                    }
                })
                .collect();
            Some(each.join(","))
        }
    }
}

fn keywords(words: &str) -> String {
    let each: Vec<String> = words.split(',').map(name).collect();
    each.join(",")
}

/// `any`, `LocalSubnet`, `10.0.0.0-10.0.0.255,…`; `None` where the source does not say.
pub(in crate::report) fn remotes_text(remotes: &Remotes) -> Option<String> {
    match remotes {
        Remotes::Unknown => None,
        Remotes::Any => Some("any".to_owned()),
        Remotes::LocalSubnet => Some("LocalSubnet".to_owned()),
        Remotes::Ranges(ranges) => {
            let each: Vec<String> = ranges
                .iter()
                .map(|(low, high)| {
                    if low == high {
                        low.to_string()
                    } else {
                        format!("{low}-{high}")
                    }
                })
                .collect();
            Some(each.join(","))
        }
    }
}

/// From or to whom, and what else limits the ends of a rule.
fn other_ends(rule: &Rule) -> String {
    let outbound = rule.direction == Some(Direction::Outbound);
    let (way, mut text) = (if outbound { "to" } else { "from" }, String::new());
    match &rule.remotes {
        Remotes::Unknown => {}
        Remotes::Any => text.push_str(&format!(", {way} any address")),
        Remotes::LocalSubnet => text.push_str(&format!(", {way} the local subnet")),
        Remotes::Ranges(_) => {
            let ranges = remotes_text(&rule.remotes).unwrap_or_default();
            text.push_str(&format!(", {way} {ranges}"));
        }
    }
    let (ports, whose) = match outbound {
        true => (&rule.local_ports, "local"),
        false => (&rule.remote_ports, "remote"),
    };
    if !matches!(ports, Ports::Any | Ports::Unknown) {
        let ports = ports_text(ports).unwrap_or_default();
        text.push_str(&format!(", {whose} port {ports}"));
    }
    if matches!(rule.locals, Remotes::Ranges(_) | Remotes::LocalSubnet) {
        let own = remotes_text(&rule.locals).unwrap_or_default();
        text.push_str(&format!(", local address {own}"));
    }
    text
}

/// `, domain and public profile`; empty where not said. Bits: 1 domain, 2 private, 4 public.
pub(super) fn profiles(bits: u32) -> String {
    let named: Vec<&str> = [(1, "domain"), (2, "private"), (4, "public")]
        .into_iter()
        .filter(|(bit, _)| bits & bit != 0)
        .map(|(_, word)| word)
        .collect();
    match named.as_slice() {
        [] => String::new(),
        [one] => format!(", {one} profile"),
        [_, _, _] => ", all profiles".to_owned(),
        several => format!(", {} profiles", several.join(" and ")),
    }
}
