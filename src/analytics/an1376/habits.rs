//! Whose habits a new channel is held against, and whether their connections were all counted.

use super::who::Who;
use crate::context::baseline::{Counted, Counter, Day, ImageUsage, Tally, Whose};
use crate::context::coverage::Log;
use crate::context::{Context, Place};
use crate::model::{Span, Timestamp};

/// Whose habits a new channel is held against: what has no process says nothing of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// Those of its program.
    #[default]
    Program,
    /// Those of the host: no process of any contact is known.
    Host,
    /// Those of the host's contacts without a process: of others one is known.
    Unnamed,
}

impl Subject {
    /// In words, behind "new for" and the like.
    pub fn words(self) -> &'static str {
        match self {
            Self::Program => "the program",
            Self::Host => "the host",
            Self::Unnamed => "the host's connections without a known process",
        }
    }

    /// The name of a term about a program, or about the host.
    pub fn term(self, program: &'static str, host: &'static str) -> &'static str {
        match self {
            Self::Program => program,
            Self::Host | Self::Unnamed => host,
        }
    }
}

/// True if the baseline counted every connection of the program, or of the host, before a moment: it
/// keeps the first few one by one, and of the others how many each day had.
pub fn counted_whole(place: Place, who: &Who, before: Timestamp, context: &Context) -> bool {
    let usage = context.baseline.usage(&Whose::Place(place));
    let Some(image) = usage.and_then(|usage| usage.images.get(&who.program)) else {
        return true;
    };
    let tallies = image
        .ports
        .values()
        .flat_map(|count| Counter::ALL.map(|counter| count.by(counter)));
    tallies.into_iter().all(|tally| is_whole(tally, before))
}

/// Whether the process instances of a program were all counted before a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instances {
    /// All its starts.
    pub starts: bool,
    /// All that opened a connection.
    pub networked: bool,
}

/// Whether the baseline counted every start of the program before a moment, and every instance of it
/// that opened a connection.
pub fn instances_counted(
    place: Place,
    who: &Who,
    before: Timestamp,
    context: &Context,
) -> Instances {
    let usage = context.baseline.usage(&Whose::Place(place));
    let image = usage.and_then(|usage| usage.images.get(&who.program));
    let whole = |of: fn(&ImageUsage) -> &Counted| {
        image.is_none_or(|image| {
            let tallies = Counter::ALL.map(|counter| of(image).by(counter));
            tallies.into_iter().all(|tally| is_whole(tally, before))
        })
    };
    Instances {
        starts: whole(|image| &image.executions),
        networked: whole(|image| &image.networked),
    }
}

/// True if records of the host's Security or Sysmon log of before a moment are missing or could not be
/// read, or an export does not tell whether any are: then every number from these logs is one at least.
pub fn records_lacking(place: Place, before: Timestamp, context: &Context) -> bool {
    let Place::Host(id) = place else { return false };
    let mut kept = context
        .coverage
        .channels(id)
        .filter(|channel| matches!(channel.log, Log::Security | Log::Sysmon));
    kept.any(|channel| {
        let begun = channel.interval().is_none_or(|held| held.from < before);
        let hole = channel.missing().is_none_or(|holes| {
            let mut after = holes.iter().map(|hole| hole.after);
            after.any(|after| after.is_none_or(|after| after < before))
        });
        begun && (hole || channel.unread > 0)
    })
}

fn is_whole(tally: &Tally, before: Timestamp) -> bool {
    let today = Day::of(before);
    let of_days = |wanted: &dyn Fn(Day) -> bool| -> u64 {
        let days = tally.days().iter().filter(|(day, _)| wanted(*day));
        days.map(|(_, n)| n).sum()
    };
    if of_days(&|day| day == today) == 0 {
        return true;
    }
    let held = tally.before(today.end().shifted(Span(-1)));
    held == of_days(&|day| day <= today) || held > tally.before(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_says_whether_it_counted_all_before_a_moment() {
        let minute = |n: i64| Timestamp(n * 60_000_000_000);
        let of = |count: i64| {
            let mut tally = Tally::default();
            (0..count).for_each(|n| tally.add(minute(n)));
            tally
        };
        // All are kept one by one; the first 32 are; of a day that is over, their number is.
        assert!(is_whole(&of(32), minute(500)));
        assert!(is_whole(&of(40), minute(20)) && !is_whole(&of(40), minute(35)));
        assert!(is_whole(&of(40), minute(3 * 1_440)));
        assert!(is_whole(&Tally::default(), minute(1)));
    }
}
