//! What followed a scan: connections with payload to what answered, and until when that could be
//! seen.

use super::scan::{FOLLOWED, FOLLOWS, Scan};
use super::spoken::HELD;
use crate::analytics::kit::moments::clocks;
use crate::context::Context;
use crate::context::coverage::Interval;
use crate::model::plural::counted;
use crate::model::{EvidenceId, Span, Timestamp};

/// A file of a rotation begins at most this long after the one before it ended, or before its end.
const ROTATION: Span = Span::seconds(1);
const OVERLAP: Span = Span::millis(-50);

/// The sentences for a report: what was said at the first contacts, and what followed.
pub(super) fn sentences(scan: &Scan, context: &Context) -> Vec<String> {
    let spoken = (scan.spoken > 0).then(|| match scan.sums().answered {
        1 => "payload went both ways in the 1 contact that was answered".to_owned(),
        answered => format!(
            "payload went both ways in {} of the {answered} contacts that were answered",
            scan.spoken
        ),
    });
    spoken.into_iter().chain(later(scan, context)).collect()
}

/// What followed the first contacts; `None` where nothing answered.
fn later(scan: &Scan, context: &Context) -> Option<String> {
    let (followed, least) = (scan.followed.len(), scan.followed.len() >= FOLLOWED);
    match followed {
        0 => {}
        1 => {
            return Some(
                "1 further connection with payload to a target that had answered followed within 10 min"
                    .to_owned(),
            );
        }
        _ => {
            return Some(format!(
                "{}{followed} further connections with payload to targets that had answered followed within 10 min",
                if least { "at least " } else { "" }
            ));
        }
    }
    let last = scan.open.values().map(|(at, _)| *at).max()?;
    let captures = context.coverage.captures();
    let heard = |at: &Timestamp, by: EvidenceId| {
        let until = heard_until(by, captures)?;
        Some(until.min(at.shifted(FOLLOWS)))
    };
    let answers = scan.open.values();
    let untils: Vec<(Timestamp, Option<Timestamp>)> = answers
        .map(|(at, by)| (*at, heard(at, by.evidence)))
        .collect();
    let unheard = untils.iter().filter(|(_, until)| until.is_none()).count();
    if unheard == untils.len() {
        return Some(
            "whether a further connection with payload to a target that answered followed could not be seen: records \
             do not tell payload, and no packets show these answers"
                .to_owned(),
        );
    }
    let short = untils.iter().filter_map(|(at, until)| {
        let until = (*until)?;
        (until < at.shifted(FOLLOWS)).then_some(until)
    });
    let kept = scan.open.len();
    let whom = match u64::try_from(kept) {
        Ok(few) if few < scan.sums().answered => {
            format!(
                "one of the first {} that answered",
                counted(kept as u64, "target")
            )
        }
        _ => "a target that answered".to_owned(),
    };
    let held = match scan.unheard {
        true => {
            format!(" among the latest {HELD} before the scan was known to be one, and after that,")
        }
        false => String::new(),
    };
    let none = format!("no further connection with payload to {whom} was seen{held}");
    let told = match short.max() {
        None => format!("{none} within 10 min of its answer"),
        Some(end) => format!(
            "{none} until {}, {} after the last of them was reached; the packets end there, and what followed \
             later within 10 min could not be seen",
            clocks([last, end], 3)(end),
            end.since(last).max(Span::ZERO)
        ),
    };
    Some(match unheard {
        0 => told,
        _ => format!(
            "{told}; no packets show {unheard} of the {}",
            counted(untils.len() as u64, "answer")
        ),
    })
}

/// Until when a capture went on, with the next files of its rotation; `None` for what is none.
fn heard_until(evidence: EvidenceId, captures: &[(EvidenceId, Interval)]) -> Option<Timestamp> {
    let own = captures.iter().filter(|(id, _)| *id == evidence);
    let mut end = own.map(|(_, interval)| interval.to).max()?;
    // By start: what goes on where another ended comes after it.
    for (_, next) in captures {
        if (OVERLAP..=ROTATION).contains(&next.from.since(end)) {
            end = end.max(next.to);
        }
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(id: u32, from: i64, to: i64) -> (EvidenceId, Interval) {
        let at = |second: i64| Timestamp(second * 1_000_000_000);
        let (from, to) = (at(from), at(to));
        (EvidenceId(id), Interval { from, to })
    }

    #[test]
    fn a_capture_is_heard_to_the_end_of_its_rotation_and_no_longer() {
        let captures = [
            file(1, 0, 60),
            file(4, 30, 900),
            file(2, 61, 120),
            file(3, 200, 400),
        ];
        let until = |id: u32| heard_until(EvidenceId(id), &captures).map(|t| t.0 / 1_000_000_000);
        assert_eq!(
            until(1),
            Some(120),
            "the next file, and not the other sensor's"
        );
        assert_eq!(until(3), Some(400));
        assert_eq!(until(9), None, "a log is no capture");
    }
}
