//! How far a clock is off, in words: what stands before the name of another clock, and zones in hours.

use super::measure::{Measured, zone_error};
use crate::model::Span;

/// From here on a multiple of 15 minutes is told as a zone, in hours.
const HOUR: Span = Span::seconds(3_600);
/// What is not told beside a zone.
const BESIDE: Span = Span::millis(1);

/// How the offset of a clock changes over time: it is not everywhere what is told first.
pub fn course(measured: &Measured) -> String {
    let mut text = String::new();
    if measured.drift != 0 {
        let drift = measured.drift;
        text.push_str(&format!(
            "; drift {}{}.{:03} ppm",
            if drift < 0 { "-" } else { "" },
            drift.unsigned_abs() / 1_000,
            drift.unsigned_abs() % 1_000
        ));
    }
    if let [first, others @ ..] = measured.segments.as_slice()
        && !others.is_empty()
    {
        let last = others.last().unwrap_or(first);
        text.push_str(&format!(
            "; {} straight pieces, the first {} the reference, the last {} it",
            measured.segments.len(),
            ahead(first.offset),
            ahead(last.offset)
        ));
    }
    text
}

/// `20 connections`.
pub fn connections(n: u64) -> String {
    format!("{n} connections")
}

/// `1.842 s ahead of`, `5 ms behind`, `8 h ahead of`, as words before a name.
pub fn ahead(offset: Span) -> String {
    let size = amount(offset);
    if offset < Span::ZERO {
        format!("{size} behind")
    } else {
        format!("{size} ahead of")
    }
}

/// The size of an offset; of one that is a zone the zone in hours, and what it is more or less.
fn amount(offset: Span) -> String {
    let Some(zone) = zone_error(offset.abs()).filter(|zone| *zone >= HOUR) else {
        return offset.abs().to_string();
    };
    let rest = offset.abs().plus(zone.negated());
    let zone = hours(zone);
    let zone = zone.trim_start_matches('+');
    if rest.abs() < BESIDE {
        zone.to_owned()
    } else if rest < Span::ZERO {
        format!("{zone} less {}", rest.abs())
    } else {
        format!("{zone} and {rest}")
    }
}

/// Zones in the order in which they held, as words before UTC: `8 h ahead of UTC, then 5 h behind UTC`.
pub fn beside_utc(zones: &[Span]) -> String {
    let told: Vec<String> = zones.iter().take(4).map(|zone| ahead(*zone)).collect();
    let others = if zones.len() > 4 { ", then others" } else { "" };
    format!("{} UTC{others}", told.join(" UTC, then "))
}

/// Zones in the order in which they held: `+8 h, then -5 h`. Of many the first four.
pub fn in_turn(zones: &[Span]) -> String {
    let told: Vec<String> = zones.iter().take(4).map(|zone| hours(*zone)).collect();
    match zones.len() {
        0 => hours(Span::ZERO),
        5.. => format!("{}, then others", told.join(", then ")),
        _ => told.join(", then "),
    }
}

/// A zone error: `-5 h`, `+5:45 h`.
pub fn hours(zone: Span) -> String {
    let minutes = zone.0 / 60_000_000_000;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (h, m) = (minutes.unsigned_abs() / 60, minutes.unsigned_abs() % 60);
    if m == 0 {
        format!("{sign}{h} h")
    } else {
        format!("{sign}{h}:{m:02} h")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn zones_are_told_in_turn() {
        let zone = |hours: i64| Span::seconds(hours * 3_600);
        assert_eq!(in_turn(&[zone(8)]), "+8 h");
        assert_eq!(in_turn(&[zone(8), zone(-5)]), "+8 h, then -5 h");
        let many = [8, -5, 8, -5, 8].map(&zone);
        assert!(in_turn(&many).ends_with("-5 h, then others"));
    }

    #[test]
    fn of_several_pieces_the_first_and_the_last_are_told() {
        let piece = |ahead: i64| crate::context::clocks::fit::Segment {
            from: Timestamp::MIN,
            to: Timestamp::MAX,
            offset: Span::seconds(ahead),
            drift: 0,
            uncertainty: Span::ZERO,
            growth: 0,
            anchors: 3,
        };
        let told = |pieces: &[i64], drift| {
            course(&Measured {
                offset: Span::seconds(2),
                drift,
                segments: pieces.iter().map(|ahead| piece(*ahead)).collect(),
                boundaries: Vec::new(),
                uncertainty: Span::ZERO,
                anchors: 9,
                zone_error: None,
            })
        };
        assert_eq!(told(&[2], 0), "");
        assert_eq!(told(&[2], -20_500), "; drift -20.500 ppm");
        assert_eq!(
            told(&[2, 90, -3], 0),
            "; 3 straight pieces, the first 2 s ahead of the reference, the last 3 s behind it"
        );
    }
}
