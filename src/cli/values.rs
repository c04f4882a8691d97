//! Values on the command line: what they look like, and how to put them right.

use casewire::analytics::Profile;
use casewire::capture::silence::SHORTEST;
use casewire::context::clocks::ClockMode;
use casewire::context::containment::Stated;
use casewire::model::finding::Severity;
use casewire::model::{Span, Timestamp};
use casewire::report::redact::Sort;
use casewire::report::text::inventory::Section;
use casewire::report::zone::Zone;
use std::net::IpAddr;

/// A moment; see `Timestamp::parse`.
pub fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| {
        "not a moment of the calendar between 1677 and 2262; write it as 2026-03-14T02:00Z or 2026-03-14"
            .to_owned()
    })
}

/// A zone that is printed beside UTC; see `Zone::parse`.
pub fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text)
}

/// A length of time that is not negative.
pub fn span(text: &str) -> Result<Span, String> {
    Span::parse(text)
        .filter(|span| *span >= Span::ZERO)
        .ok_or_else(|| "not a length of time; write it as 2s, 500ms or 5m".to_owned())
}

/// A silence worth telling: not shorter than those that are kept while reading.
pub fn silence(text: &str) -> Result<Span, String> {
    match span(text)? {
        span if span >= SHORTEST => Ok(span),
        _ => Err("too short to tell from ordinary pauses; give at least 1m".to_owned()),
    }
}

/// A section of an inventory.
pub fn section(text: &str) -> Result<Section, String> {
    Section::ALL
        .into_iter()
        .find(|section| section.word().eq_ignore_ascii_case(text))
        .ok_or_else(|| {
            "not a section; write files, hosts, channels, clocks, gaps or coverage".to_owned()
        })
}

/// What `--redact` replaces.
pub fn sort(text: &str) -> Result<Sort, String> {
    Sort::ALL
        .into_iter()
        .find(|sort| sort.word().eq_ignore_ascii_case(text.trim()))
        .ok_or_else(|| "not known; write hosts, users or addresses".to_owned())
}

/// Bytes: a whole number with an optional unit, in powers of 1024 (KiB, k) or 1000 (kB).
pub fn size(text: &str) -> Result<u64, String> {
    let wrong = || "not a size; write it as 512MiB or 2GiB".to_owned();
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let scale: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => return Err(wrong()),
    };
    let bytes = digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(scale))
        .ok_or_else(wrong)?;
    if bytes < 16 << 20 {
        return Err("too small to work with; give at least 16MiB".to_owned());
    }
    Ok(bytes)
}

/// `NAME=ADDR`.
pub fn host(text: &str) -> Result<(String, IpAddr), String> {
    let wrong = || "not NAME=ADDR; write it as FS01.corp.example=10.20.0.15".to_owned();
    let (name, address) = text.split_once('=').ok_or_else(wrong)?;
    let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
    let name = name.trim();
    if name.is_empty() {
        Err(wrong())
    } else {
        Ok((name.to_owned(), address.to_canonical()))
    }
}

/// One `--clock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clock {
    /// `measured` or `as-recorded`: for all hosts.
    Mode(ClockMode),
    /// `HOST=±s`: how far the clock of one host is ahead.
    Ahead(String, Span),
}

/// A containment: a time, and the host it was for if not all.
pub fn containment(text: &str) -> Result<Stated, String> {
    Stated::parse(text).ok_or_else(|| {
        "not TIME or TIME,HOST; write it as 2026-03-14T02:00Z or 2026-03-14T02:00Z,FS01".to_owned()
    })
}

/// `measured`, `as-recorded` or `HOST=±s`.
pub fn clock(text: &str) -> Result<Clock, String> {
    match text.trim() {
        "measured" => return Ok(Clock::Mode(ClockMode::Measured)),
        "as-recorded" => return Ok(Clock::Mode(ClockMode::AsRecorded)),
        _ => {}
    }
    let wrong = || {
        "not measured, as-recorded or HOST=±s; write it as FS01.corp.example=+1.8s for a clock that is 1.8 s ahead"
            .to_owned()
    };
    let (name, offset) = text.rsplit_once('=').ok_or_else(wrong)?;
    let offset = Span::parse(offset).ok_or_else(wrong)?;
    let name = name.trim();
    if name.is_empty() {
        Err(wrong())
    } else {
        Ok(Clock::Ahead(name.to_owned(), offset))
    }
}

/// `ID.NAME=VALUE`.
pub fn setting(text: &str) -> Result<(String, String, String), String> {
    let parts = text.split_once('=').and_then(|(path, value)| {
        let (id, name) = path.trim().split_once('.')?;
        Some((id.trim(), name.trim(), value.trim()))
    });
    match parts {
        Some((id, name, value)) if !id.is_empty() && !name.is_empty() => {
            Ok((id.to_owned(), name.to_owned(), value.to_owned()))
        }
        _ => Err("not ID.NAME=VALUE; write it as AN0842.MinSequenceLen=4".to_owned()),
    }
}

/// `default`, `strict` or `sensitive`.
pub fn profile(text: &str) -> Result<Profile, String> {
    Profile::named(text)
        .ok_or_else(|| "not a profile; write default, strict or sensitive".to_owned())
}

/// `info`, `low`, `medium`, `high` or `critical`.
pub fn severity(text: &str) -> Result<Severity, String> {
    Severity::ALL
        .into_iter()
        .find(|severity| severity.word().eq_ignore_ascii_case(text))
        .ok_or_else(|| "not a severity; write info, low, medium, high or critical".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_in_binary_and_decimal_units() {
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert_eq!(size("512 MiB"), Ok(512 << 20));
        assert_eq!(size("100MB"), Ok(100_000_000));
        assert_eq!(size("33554432"), Ok(32 << 20));
        for wrong in ["", "x", "2XB", "99999999999TiB", "1KiB", "-5GiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_setting_keeps_what_follows_the_first_equals_sign() {
        assert_eq!(
            setting("AN0842.RuleChangeAllowList=a=b.exe"),
            Ok((
                "AN0842".to_owned(),
                "RuleChangeAllowList".to_owned(),
                "a=b.exe".to_owned()
            ))
        );
        for wrong in ["AN0842", "AN0842=4", ".x=1", "AN0842.=1"] {
            assert!(setting(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_clock_is_a_mode_or_a_signed_offset_of_one_host() {
        assert_eq!(clock("as-recorded"), Ok(Clock::Mode(ClockMode::AsRecorded)));
        assert_eq!(
            clock("FS01=-1.8s"),
            Ok(Clock::Ahead("FS01".to_owned(), Span::millis(-1_800)))
        );
        assert_eq!(
            clock("FS01=+5h"),
            Ok(Clock::Ahead("FS01".to_owned(), Span::seconds(18_000)))
        );
        for wrong in ["", "recorded", "FS01", "FS01=soon", "=5s", "FS01="] {
            assert!(clock(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_host_address_is_folded_to_its_one_spelling() {
        assert_eq!(
            host("a=::ffff:10.0.0.1"),
            Ok(("a".to_owned(), "10.0.0.1".parse().unwrap()))
        );
        assert!(host("10.0.0.1").is_err());
        assert!(host("=10.0.0.1").is_err());
    }
}
