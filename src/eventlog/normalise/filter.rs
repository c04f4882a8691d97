//! Filters of the Windows Filtering Platform (Security 5447): their conditions, written as text, and
//! the GUIDs of layers and providers (Windows SDK, `fwpmu.h`).

use crate::model::firewall::{Layer, Ports};

const LOCAL_PORT: &str = "0c1ba1af-5765-453f-af22-a8f791ac775b";
const PROTOCOL: &str = "3971ef2b-623e-4f9a-8cb1-6e79b806b9a7";
const APP_ID: &str = "d78e1e87-8644-4ea5-9437-d809ecefc971";
/// The Windows Firewall as a provider of filters.
const WINDOWS_FIREWALL: &str = "decc16ca-3f33-4346-be1e-8fb4ae0f3d62";
/// Windows itself, where it restricts its own services (Windows Service Hardening).
const SERVICE_HARDENING: &str = "4b153735-1049-4480-aab4-d1b9bdc03710";
/// Bytes of a program's name read from its dump.
const MAX_APP_ID: usize = 4_096;

/// What the conditions of a filter name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Local ports; `Any` where no condition names one, `Unknown` where one cannot be read.
    pub local_ports: Ports,
    /// IP protocol.
    pub protocol: Option<u8>,
    /// Program, as the dump spells it (an NT path in lower case).
    pub application: String,
    /// There are others: remote ports or addresses, accounts, profiles and what else limits it.
    pub further: bool,
}

/// True if `provider_key` is the Windows Firewall's.
pub fn is_windows_firewall(provider_key: &str) -> bool {
    bare(provider_key).eq_ignore_ascii_case(WINDOWS_FIREWALL)
}

/// True if `provider_key` is of the restrictions that Windows puts on its own services: they open nothing.
pub fn is_service_hardening(provider_key: &str) -> bool {
    bare(provider_key).eq_ignore_ascii_case(SERVICE_HARDENING)
}

/// The layer of a layer key.
pub fn layer_of_key(layer_key: &str) -> Layer {
    match bare(layer_key).to_ascii_lowercase().as_str() {
        "e1cd9fe7-f4b5-4273-96c0-592e487b8650" | "a3b42c97-9f04-4672-b87e-cee9c483257f" => {
            Layer::Accept
        }
        "88bb5dad-76d7-4227-9c71-df0a3ed7be7e" | "7ac9de24-17dd-4814-b4bd-a9fbc95a321b" => {
            Layer::Listen
        }
        "c38d57d1-05a7-4c33-904f-7fbceee60e82" | "4a72393b-319f-44bc-84c3-ba54dcb3b6b4" => {
            Layer::Connect
        }
        "1247d66d-0b60-4a15-8d44-7155d0f53a0c" | "55a650e1-5f0a-4eca-a653-88f53b26aa8c" => {
            Layer::Bind
        }
        "ac4a9833-f69d-4648-b261-6dc84835ef39" => Layer::Transport,
        _ => Layer::Other,
    }
}

/// Reads the conditions. Each is three lines, `Condition ID:`, `Match value:` and `Condition
/// value:`; the value may go on in the lines below. The labels are localised, so a condition is
/// known by its GUID, and only an exact match or a range counts.
pub fn conditions(text: &str) -> Conditions {
    let mut found = Conditions {
        local_ports: Ports::Any,
        ..Conditions::default()
    };
    let mut ports: Vec<(u16, u16)> = Vec::new();
    let mut port_unreadable = false;
    for condition in split(text) {
        match condition.guid.to_ascii_lowercase().as_str() {
            LOCAL_PORT => match range(condition.value) {
                Some(range) if condition.is_exact && ports.len() < 1_024 => ports.push(range),
                _ => port_unreadable = true,
            },
            PROTOCOL if condition.is_exact => {
                found.protocol = number(condition.value).and_then(|n| u8::try_from(n).ok());
            }
            APP_ID => found.application = dumped_text(condition.value, condition.rest),
            _ => found.further = true,
        }
    }
    if port_unreadable {
        found.local_ports = Ports::Unknown;
    } else if !ports.is_empty() {
        ports.sort_unstable();
        ports.dedup();
        found.local_ports = Ports::Ranges(ports);
    }
    found
}

struct Condition<'t> {
    guid: &'t str,
    /// Equal to, or in range.
    is_exact: bool,
    value: &'t str,
    /// The lines below the value.
    rest: &'t str,
}

fn split(text: &str) -> impl Iterator<Item = Condition<'_>> {
    // A condition begins at a line that ends with a GUID in braces.
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if guid_at_end(line).is_some() {
            starts.push((at, at + line.len()));
        }
        at += line.len();
    }
    let ends: Vec<usize> = starts
        .iter()
        .skip(1)
        .map(|(start, _)| *start)
        .chain([text.len()])
        .collect();
    starts
        .into_iter()
        .zip(ends)
        .filter_map(move |((start, body), end)| {
            let guid = guid_at_end(&text[start..body])?;
            let mut lines = text[body..end].splitn(3, '\n');
            let matching = after_label(lines.next()?).to_ascii_lowercase();
            let value = after_label(lines.next()?);
            Some(Condition {
                guid,
                // Words other than these mean comparisons a list of ports cannot hold. In other
                // languages the form of the value decides.
                is_exact: !matches!(
                    matching.as_str(),
                    "not equal to"
                        | "greater than"
                        | "less than"
                        | "greater than or equal to"
                        | "less than or equal to"
                        | "flags all set"
                        | "flags any set"
                        | "flags none set"
                ),
                value,
                rest: lines.next().unwrap_or_default(),
            })
        })
}

/// What follows `Label:` and a tab.
fn after_label(line: &str) -> &str {
    let line = line.trim();
    line.split_once('\t')
        .map_or_else(
            || {
                line.split_once(": ")
                    .map_or_else(|| if line.ends_with(':') { "" } else { line }, |x| x.1)
            },
            |x| x.1,
        )
        .trim()
}

fn guid_at_end(line: &str) -> Option<&str> {
    let line = line.trim_end().strip_suffix('}')?;
    let guid = line.get(line.rfind('{')? + 1..)?;
    (guid.len() == 36 && guid.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')).then_some(guid)
}

fn bare(guid: &str) -> &str {
    guid.trim().trim_start_matches('{').trim_end_matches('}')
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// `0x01c2`, or `0x1388 - 0x1392`.
fn range(text: &str) -> Option<(u16, u16)> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let (low, high) = (
        u16::try_from(number(low)?).ok()?,
        u16::try_from(number(high)?).ok()?,
    );
    (low <= high).then_some((low, high))
}

/// Text dumped as lines of `00000000  5c 00 64 00 …-76 00  \.d.`: UTF-16LE.
fn dumped_text(value: &str, rest: &str) -> String {
    let mut bytes: Vec<u8> = Vec::new();
    for line in std::iter::once(value).chain(rest.lines()) {
        let line = line.trim();
        let Some((offset, dump)) = line.split_once("  ") else {
            continue;
        };
        let is_offset = offset.len() == 8 && offset.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_offset || usize::from_str_radix(offset, 16).ok() != Some(bytes.len()) {
            continue;
        }
        // Sixteen bytes of two digits and a separator; what follows shows them as text.
        let digits = dump.get(..dump.len().min(48)).unwrap_or_default();
        for pair in digits.split([' ', '-']).take(16) {
            match (pair.len(), u8::from_str_radix(pair, 16)) {
                (2, Ok(byte)) if bytes.len() < MAX_APP_ID => bytes.push(byte),
                _ => break,
            }
        }
    }
    crate::eventlog::record::decode_utf16(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\n\tCondition ID:\t{d78e1e87-8644-4ea5-9437-d809ecefc971}\n\tMatch value:\tEqual to\n\tCondition value:\t\n    00000000  5c 00 64 00 65 00 76 00-69 00 63 00 65 00 5c 00  \\.d.e.v.i.c.e.\\.\n    00000010  61 00 2e 00 65 00 78 00-65 00 00 00              a...e.x.e...\n\n\n\tCondition ID:\t{af043a0a-b34d-4f86-979c-c90371af6e66}\n\tMatch value:\tEqual to\n\tCondition value:\t\nO:SYG:SYD:(A;;CCRC;;;S-1-5-80-1)\n\n\n\tCondition ID:\t{0c1ba1af-5765-453f-af22-a8f791ac775b}\n\tMatch value:\tEqual to\n\tCondition value:\t0x01c2\n\n\tCondition ID:\t{3971ef2b-623e-4f9a-8cb1-6e79b806b9a7}\n\tMatch value:\tEqual to\n\tCondition value:\t0x06\n";

    #[test]
    fn ports_protocol_and_program_are_read_from_the_text() {
        let found = conditions(TEXT);
        assert_eq!(found.local_ports, Ports::Ranges(vec![(450, 450)]));
        assert_eq!(found.protocol, Some(6));
        assert_eq!(found.application, r"\device\a.exe");
        // The account.
        assert!(found.further);
        let plain = TEXT.split("\tCondition ID:\t{0c1ba1af").nth(1).unwrap();
        assert!(!conditions(&format!("\tCondition ID:\t{{0c1ba1af{plain}")).further);
    }

    #[test]
    fn no_condition_is_any_port_and_an_odd_one_is_unknown() {
        assert_eq!(conditions("").local_ports, Ports::Any);
        assert_eq!(conditions("-").local_ports, Ports::Any);
        let odd = TEXT.replace(
            "Equal to\n\tCondition value:\t0x01c2",
            "Not equal to\n\tCondition value:\t0x01c2",
        );
        assert_eq!(conditions(&odd).local_ports, Ports::Unknown);
        let range = TEXT.replace(
            "Equal to\n\tCondition value:\t0x01c2",
            "In range\n\tCondition value:\t0x1388 - 0x1392",
        );
        assert_eq!(
            conditions(&range).local_ports,
            Ports::Ranges(vec![(5000, 5010)])
        );
    }

    #[test]
    fn keys_are_known_with_or_without_braces() {
        assert_eq!(
            layer_of_key("{E1CD9FE7-F4B5-4273-96C0-592E487B8650}"),
            Layer::Accept
        );
        assert_eq!(
            layer_of_key("7ac9de24-17dd-4814-b4bd-a9fbc95a321b"),
            Layer::Listen
        );
        assert_eq!(layer_of_key(""), Layer::Other);
        assert!(is_windows_firewall(
            "{decc16ca-3f33-4346-be1e-8fb4ae0f3d62}"
        ));
        let hardening = "{4b153735-1049-4480-aab4-d1b9bdc03710}";
        assert!(!is_windows_firewall(hardening) && is_service_hardening(hardening));
    }
}
