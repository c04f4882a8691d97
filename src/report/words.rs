//! The sentence for each event.
//!
//! A sentence says what the event says and nothing it does not. Names from evidence stand bare only
//! where they cannot be mistaken for our own words; otherwise in double quotes, with a quote inside
//! doubled. The text is raw: whoever prints it passes it through `escape::vis`.

mod attempt;
mod host;
mod resolution;
pub(in crate::report) mod rule;
mod segment;
mod wake;

use crate::model::host_event::Process;
use crate::model::plural::plural;
use crate::model::{Event, What};
use std::net::IpAddr;

/// How much a sentence tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For a table of 80 columns: who and where is said beside it.
    Short,
    /// On its own: endpoints, process ids, parent, account.
    Long,
}

/// The sentence for `event`.
pub fn sentence(event: &Event, form: Form) -> String {
    let mut text = match &event.what {
        What::Attempt(attempt) => attempt::sentence(attempt, event.recorded, form),
        What::Wake(signal) => wake::sentence(signal, form),
        What::Neighbour(neighbour) => segment::announced(neighbour),
        What::Solicitation(asked) => segment::asked(asked, event.recorded, form),
        What::Resolution(told) => resolution::sentence(told, form),
        What::Host(host) => host::sentence(host, form),
    };
    if form == Form::Long && event.was_inside() {
        text.push_str("; read from inside a tunnel");
    }
    text
}

/// Which addresses of an attempt are said, where the page beside it does not say them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ends {
    /// Neither.
    Neither,
    /// The one that is reached.
    Responder,
    /// Both.
    Both,
}

impl Ends {
    /// Those in which the attempts among `events` differ.
    pub fn telling<'e>(events: impl Iterator<Item = &'e Event>) -> Self {
        let mut first: Option<(IpAddr, IpAddr)> = None;
        let mut ends = Self::Neither;
        for event in events {
            let What::Attempt(attempt) = &event.what else {
                continue;
            };
            let (from, to) = (attempt.initiator.address, attempt.responder.address);
            ends = ends.max(match *first.get_or_insert((from, to)) {
                (initiator, _) if initiator != from => Self::Both,
                (_, responder) if responder != to => Self::Responder,
                _ => Self::Neither,
            });
        }
        ends
    }
}

/// The short sentence for `event`, with those ends of an attempt.
pub fn short(event: &Event, ends: Ends) -> String {
    match &event.what {
        What::Attempt(attempt) => attempt::short(attempt, ends),
        _ => sentence(event, Form::Short),
    }
}

/// The log and event id of a host event, as `Sysmon 1`, `Sec 5154`, `Firewall 2004`; `None` for
/// packets.
pub fn log_label(event: &Event) -> Option<String> {
    let What::Host(host) = &event.what else {
        return None;
    };
    let channel: &str = &host.channel;
    let log = if channel.eq_ignore_ascii_case("Security") {
        "Sec"
    } else if channel
        .to_ascii_lowercase()
        .starts_with("microsoft-windows-sysmon/")
    {
        "Sysmon"
    } else if channel
        .to_ascii_lowercase()
        .starts_with("microsoft-windows-windows firewall with advanced security/")
    {
        "Firewall"
    } else {
        channel
    };
    Some(format!("{} {}", name(log), host.event_id))
}

/// The host an event was logged by; `None` for packets.
pub fn computer(event: &Event) -> Option<&str> {
    match &event.what {
        What::Host(host) => Some(&host.computer),
        What::Attempt(_)
        | What::Wake(_)
        | What::Neighbour(_)
        | What::Solicitation(_)
        | What::Resolution(_) => None,
    }
}

/// A name from evidence: bare if it is one plain word, else quoted.
pub fn name(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "._-$@\\/:{}+~#%&!*=?[]".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Text from evidence in double quotes; a quote inside is doubled.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// The file name of a path, in either way of writing paths.
pub fn base(path: &str) -> &str {
    path.rsplit(['\\', '/'])
        .next()
        .filter(|tail| !tail.is_empty())
        .unwrap_or(path)
}

/// `svchelper.exe (5980)`: file name and process id, as far as the record has them.
fn process(process: &Process) -> String {
    let image = base(&process.image);
    match (image, process.pid) {
        ("" | "-", Some(0)) => "no process".to_owned(),
        ("" | "-", Some(pid)) => format!("process {pid}"),
        ("" | "-", None) => "an unnamed process".to_owned(),
        (image, Some(pid)) => format!("{} ({pid})", name(image)),
        (image, None) => name(image),
    }
}

/// `1,234,567`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 file`, `2 files`: the word takes an `s` unless there is one.
pub fn counted(n: u64, word: &str) -> String {
    format!("{} {word}{}", count(n), plural(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_pose_as_our_words() {
        assert_eq!(name("svchost.exe"), "svchost.exe");
        assert_eq!(name(r"CORP\svc-backup"), r"CORP\svc-backup");
        assert_eq!(name(r"NT AUTHORITY\SYSTEM"), r#""NT AUTHORITY\SYSTEM""#);
        assert_eq!(name("a.exe (4) listens"), "\"a.exe (4) listens\"");
        assert_eq!(name("x\", by svchost.exe"), "\"x\"\", by svchost.exe\"");
        assert_eq!(name(""), "\"\"");
    }

    #[test]
    fn a_process_is_named_as_far_as_it_is_known() {
        let named = |image: &str, pid| {
            process(&Process {
                pid,
                guid: None,
                image: image.into(),
            })
        };
        assert_eq!(
            named(r"C:\Windows\System32\netsh.exe", Some(6124)),
            "netsh.exe (6124)"
        );
        assert_eq!(
            named(r"\device\harddiskvolume1\a b.exe", None),
            "\"a b.exe\""
        );
        assert_eq!(named("-", Some(0)), "no process");
        assert_eq!(named("", None), "an unnamed process");
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(61_884), "61,884");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn the_ends_are_told_in_which_attempts_differ() {
        let telling = |ends: &[(u8, u8)]| {
            let event = |(from, to): &(u8, u8)| {
                let mut event = crate::report::samples::attempt(
                    "02:00:00",
                    1,
                    (1, 2),
                    crate::model::Outcome::Unanswered,
                );
                if let What::Attempt(attempt) = &event.what {
                    let mut attempt = (**attempt).clone();
                    attempt.initiator.address = [10, 0, 0, *from].into();
                    attempt.responder.address = [10, 0, 0, *to].into();
                    event.what = What::attempt(attempt);
                }
                event
            };
            let events: Vec<Event> = ends.iter().map(event).collect();
            Ends::telling(events.iter())
        };
        assert_eq!(telling(&[]), Ends::Neither);
        assert_eq!(telling(&[(1, 2), (1, 2)]), Ends::Neither);
        // The last of them is of the first again, which takes nothing back.
        assert_eq!(telling(&[(1, 2), (1, 3), (1, 2)]), Ends::Responder);
        assert_eq!(telling(&[(1, 2), (4, 2), (1, 2)]), Ends::Both);
        assert_eq!(telling(&[(1, 2), (1, 3), (4, 2), (1, 3)]), Ends::Both);
    }
}
