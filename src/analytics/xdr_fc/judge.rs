//! Whether so many failures, or such a mixture, are abnormal for this source.

use super::settings::FailedConnectionsSettings;
use super::target::{Failure, Target};
use super::targets::distinct;
use crate::analytics::kit::contact::answers_lacking;
use crate::analytics::kit::standing::role;
use crate::analytics::kit::statistics::{
    Adjusted, Moments, benjamini_hochberg, binomial_tail, shown,
};
use crate::context::activity::INACTIVE_AFTER;
use crate::context::baseline::Day;
use crate::context::{Context, Place};
use crate::model::{Span, Timestamp};
use std::net::IpAddr;

const DAY_SECONDS: i64 = 86_400;
/// Other sources of the same day that make a comparison where the own past is short.
const PEERS: usize = 5;
/// Outside, no more than one in so many that were tried may have answered.
const OUTSIDE_ANSWERED: u32 = 5;
/// The mixture counts from so many missing among so many targets; with fewer missing, nothing does.
pub const MIXTURE: (u32, u32) = (5, 10);

/// What a source's count is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Ground {
    /// Its own days before.
    Own {
        /// How many of them.
        days: usize,
        /// The largest count on one.
        most: u32,
    },
    /// Other sources on the same day, as the own past is shorter than the activation period.
    Peers {
        /// How many of them.
        sources: usize,
        /// Days of the own past.
        days: usize,
    },
    /// Nothing: the own past is short, and there are too few others.
    Nothing {
        /// Days of the own past.
        days: usize,
    },
}

/// The count, held against its ground.
#[derive(Clone, Debug, PartialEq)]
pub struct Count {
    /// What it was compared with.
    pub ground: Ground,
    /// The counts it was compared with, summed up.
    pub moments: Moments,
    /// Robust standard deviations above the median.
    pub z: f64,
    /// Chance of as many, on its own.
    pub p: f64,
    /// Among all sources of the day.
    pub adjusted: Adjusted,
    /// The earlier day of the same weekday that makes an unusual count usual, with its count.
    pub weekday: Option<(Day, u32)>,
    /// True if the count is abnormal.
    pub abnormal: bool,
}

/// The mixture, held against the environment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mixture {
    /// Missing targets.
    pub k: u32,
    /// Distinct targets.
    pub n: u32,
    /// Missing and all targets of the other sources.
    pub others: (u64, u64),
    /// The rate that gives, drawn towards 1 in 10.
    pub rate: f64,
    /// Chance of as many missing among them.
    pub p: f64,
    /// The source has a past of its own.
    pub known: bool,
    /// The most it missed on a day of it.
    pub usual: u32,
    /// True if the mixture is abnormal.
    pub abnormal: bool,
}

/// What was measured at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The moment.
    pub at: Timestamp,
    /// Inside the network; otherwise about addresses of the Internet.
    pub internal: bool,
    /// M.
    pub missing: u32,
    /// Of these, where the sensor could have heard a sign of life.
    pub vouched: u32,
    /// Of these, failing for several sources on that day.
    pub shared: u32,
    /// How much evidence lies before it, gaps taken out.
    pub history: Span,
    /// From how long before on, gaps and all.
    pub reach: Span,
    /// For how long somebody was heard without a gap.
    pub listening: Span,
    /// The count.
    pub count: Count,
    /// The mixture.
    pub mixture: Mixture,
    /// Days in a row before this one with at least the floor.
    pub scanned_days: u32,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq)]
pub enum Ruling {
    /// Tell it.
    Tell {
        /// Low; otherwise for information.
        low: bool,
    },
    /// Nothing abnormal, or it must not be told.
    Quiet {
        /// The answers may not be in the captures: nothing can be said of the targets.
        blind: bool,
        /// Why.
        why: String,
    },
}

/// Measures at `at` what `place` has in its test period: the targets that fail, inside the network or
/// outside, among `n` that it reached for there.
pub fn measure(
    place: Place,
    failing: &[(IpAddr, &Target)],
    (internal, n): (bool, u32),
    at: Timestamp,
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Measured {
    let count_of = |which: &dyn Fn(&Target) -> bool| {
        distinct(
            failing
                .iter()
                .filter(|(_, t)| which(t))
                .map(|(address, _)| *address),
        )
    };
    let missing = count_of(&|_| true);
    let past = past(place, at, settings, context);
    Measured {
        at,
        internal,
        missing,
        vouched: count_of(&|t| t.vouched),
        shared: count_of(&|t| t.shared),
        history: context.activity.heard_for(at),
        reach: context.activity.reach(at),
        listening: context.activity.listening(at),
        count: count(place, missing, at, &past, settings, context),
        mixture: mixture(place, missing, n, at, &past, settings, context),
        scanned_days: scanned_days(place, at, settings, context),
    }
}

/// Decides.
pub fn rule(
    measured: &Measured,
    place: Place,
    failing: &[(IpAddr, &Target)],
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Ruling {
    let quiet = |why: String| Ruling::Quiet { blind: false, why };
    if let Some(why) = one_sided(place, failing, context) {
        return Ruling::Quiet { blind: true, why };
    }
    let m = measured.missing;
    if !measured.internal {
        let enough = settings.outside_targets > 0 && m >= settings.outside_targets;
        let (n, answered) = (measured.mixture.n, measured.mixture.n.saturating_sub(m));
        let hardly = answered * OUTSIDE_ANSWERED <= n && measured.mixture.p <= settings.rarity();
        return match (enough, hardly) {
            (true, true) => Ruling::Tell { low: false },
            (false, _) => quiet(format!("they are told from {}", settings.outside_targets)),
            (true, false) if answered * 2 > n => {
                quiet("most of those tried answered or refused".to_owned())
            }
            (true, false) => {
                quiet("more than one in five of those tried answered or refused".to_owned())
            }
        };
    }
    if measured.scanned_days >= settings.scanner_days {
        return quiet(format!(
            "a long-running scanner: at least {} missing targets on each of the {} days before",
            settings.min_targets, measured.scanned_days
        ));
    }
    if measured.listening < settings.warm_up {
        // Who is missing cannot be known yet, however many fail: that many failed is what
        // enumeration (AN1057) is about.
        return quiet(format!(
            "only {} of evidence without a gap before it: too short to call a host never seen (needs {})",
            measured.listening.roughly(),
            settings.warm_up.roughly()
        ));
    }
    let (count, mixture) = (&measured.count, &measured.mixture);
    if !count.abnormal && !mixture.abnormal {
        return quiet(not_abnormal(measured, settings));
    }
    let own = matches!(count.ground, Ground::Own { .. });
    let seen_enough = measured.listening >= INACTIVE_AFTER;
    // With the targets alone that the sensor can vouch for, and that are no failure of all.
    let firm = measured.vouched.saturating_sub(measured.shared) >= settings.min_targets;
    Ruling::Tell {
        low: own && count.abnormal && seen_enough && firm,
    }
}

fn not_abnormal(measured: &Measured, settings: &FailedConnectionsSettings) -> String {
    let count = &measured.count;
    if let Some((day, m)) = count.weekday {
        return format!(
            "{}, a day of the same weekday, had {m}: at least two thirds of {} make the day a usual one",
            day.text(),
            measured.missing
        );
    }
    match count.ground {
        Ground::Nothing { days } => format!(
            "with {days} days to compare with (a baseline needs {}), {} count",
            whole_days(settings.activation),
            settings.short_targets
        ),
        _ if measured.missing < settings.min_targets => {
            format!(
                "a count is told from {}, and a mixture{}",
                settings.min_targets,
                not_mixed(measured, settings)
            )
        }
        Ground::Own { days, most } => format!(
            "its {days} days before had a median of {} and at most {most}",
            count.moments.median
        ),
        Ground::Peers { sources, .. } => format!(
            "{sources} other sources had a median of {} that day",
            count.moments.median
        ),
    }
}

/// Why the mixture is not told, behind "a mixture".
fn not_mixed(measured: &Measured, settings: &FailedConnectionsSettings) -> String {
    let mixture = &measured.mixture;
    let (k, n) = (mixture.k, mixture.n);
    if n < MIXTURE.1 {
        return format!(" from {} targets ({k} of {n})", MIXTURE.1);
    }
    let from = match mixture.known {
        true => MIXTURE.0,
        false => settings.min_targets,
    };
    if k < from {
        return format!(" from {from} missing ({k} of {n})");
    }
    match mixture.known && k <= mixture.usual {
        true => format!(
            " where more are missing than on any day before ({k} of {n}, {} on one)",
            mixture.usual
        ),
        false => format!(
            " that is rarer than {} ({k} of {n}: {})",
            shown(settings.rarity()),
            shown(mixture.p)
        ),
    }
}

/// The days a source is compared with: those before the test period on which it was up, without
/// the days on which the evidence or a baseline begins, where everybody is seen for the first time.
fn past(
    place: Place,
    at: Timestamp,
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Vec<(Day, u32)> {
    let end = Day::of(at.shifted(settings.test.negated()));
    let begin = Day(end.0.saturating_sub(whole_days(settings.training) as i32));
    (begin.0..end.0)
        .map(Day)
        .filter(|day| {
            !context.activity.begins_on(*day) && !context.baseline.imported_begins.contains(day)
        })
        .filter_map(|day| {
            let sum = context.contacts.on(place, day);
            let up = sum.is_some() || was_up(place, day, context);
            up.then(|| (day, sum.map_or(0, |sum| sum.missing)))
        })
        .collect()
}

fn was_up(place: Place, day: Day, context: &Context) -> bool {
    let end = day.end().shifted(Span(-1));
    let on = |address| context.activity.between(address, day.start(), end);
    let seen = match place {
        Place::Address(address) => on(address),
        Place::Host(id) => context.identity.addresses_at(id, day.start()).any(on),
    };
    seen || context.baseline.seen_on(place, day)
}

/// Whole days of a span.
pub fn whole_days(span: Span) -> i64 {
    span.0 / Span::seconds(DAY_SECONDS).0
}

fn count(
    place: Place,
    missing: u32,
    at: Timestamp,
    past: &[(Day, u32)],
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Count {
    let today = Day::of(at);
    let days = past.len();
    let (ground, counts) = if days as i64 >= whole_days(settings.activation) {
        let counts: Vec<u32> = past.iter().map(|(_, m)| *m).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        (Ground::Own { days, most }, counts)
    } else {
        let others = peers(place, at, context);
        let sources = others.len();
        if sources >= PEERS {
            (Ground::Peers { sources, days }, others)
        } else {
            (Ground::Nothing { days }, Vec::new())
        }
    };
    let moments = Moments::of(&counts);
    let (z, p) = match ground {
        Ground::Nothing { .. } => (0.0, 1.0),
        _ => (moments.robust_z(missing), moments.tail(missing)),
    };
    let nothing_to_compare = matches!(ground, Ground::Nothing { .. });
    let others = if nothing_to_compare || missing < settings.min_targets {
        Vec::new()
    } else {
        others_chances(place, at, settings, context)
    };
    let adjusted = benjamini_hochberg(p, &others);
    let unusual = z >= settings.z() || adjusted.value <= settings.rarity();
    let own = matches!(ground, Ground::Own { .. }) && missing >= settings.min_targets && unusual;
    let weekday = own.then(|| same_weekday(past, today, missing)).flatten();
    let abnormal = match ground {
        Ground::Nothing { .. } => missing >= settings.short_targets,
        Ground::Own { .. } => own && weekday.is_none(),
        Ground::Peers { .. } => missing >= settings.min_targets && unusual,
    };
    Count {
        ground,
        moments,
        z,
        p,
        adjusted,
        weekday,
        abnormal,
    }
}

/// The latest earlier day of the same weekday that had about as many: a weekly job.
fn same_weekday(past: &[(Day, u32)], today: Day, missing: u32) -> Option<(Day, u32)> {
    let alike = |(day, m): &&(Day, u32)| {
        (today.0 - day.0) % 7 == 0 && u64::from(*m) * 3 >= u64::from(missing) * 2
    };
    past.iter().rev().find(alike).copied()
}

/// Counts of the other sources of the same role on this day, up to this moment.
fn peers(place: Place, at: Timestamp, context: &Context) -> Vec<u32> {
    let stated = role(place, at, context);
    context
        .contacts
        .sources(at)
        .filter(|(other, _)| *other != place && role(*other, at, context) == stated)
        .map(|(_, (_, missing))| missing)
        .collect()
}

/// The chance of every other source's count of this day, each by its own past.
fn others_chances(
    place: Place,
    at: Timestamp,
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Vec<f64> {
    context
        .contacts
        .sources(at)
        .filter(|(other, _)| *other != place)
        .map(|(other, (_, missing))| {
            // Nothing missing is as usual as can be, and most sources miss nothing.
            if missing == 0 {
                return 1.0;
            }
            let past = past(other, at, settings, context);
            let counts: Vec<u32> = past.iter().map(|(_, m)| *m).collect();
            Moments::of(&counts).tail(missing)
        })
        .collect()
}

fn mixture(
    place: Place,
    k: u32,
    n: u32,
    at: Timestamp,
    past: &[(Day, u32)],
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> Mixture {
    let others = context.contacts.others(place, at);
    let rate = (others.0 as f64 + 1.0) / (others.1 as f64 + 10.0);
    let p = binomial_tail(k, n, rate);
    // Stale drives and printers are missing every morning: what the source always misses is no
    // news, and without a past of its own the floor of the count holds here too.
    let known = past.len() as i64 >= whole_days(settings.activation);
    let usual = past.iter().map(|(_, m)| *m).max().unwrap_or(0);
    let floor = if known {
        MIXTURE.0
    } else {
        settings.min_targets
    };
    Mixture {
        k,
        n,
        others,
        rate,
        p,
        known,
        usual,
        abnormal: k >= floor && n >= MIXTURE.1 && !(known && k <= usual) && p <= settings.rarity(),
    }
}

/// Days in a row before today with at least the floor of missing targets.
fn scanned_days(
    place: Place,
    at: Timestamp,
    settings: &FailedConnectionsSettings,
    context: &Context,
) -> u32 {
    let today = Day::of(at);
    let alarming = |day: &i32| {
        context
            .contacts
            .on(place, Day(*day))
            .is_some_and(|sum| sum.missing >= settings.min_targets)
    };
    let first = today.0.saturating_sub(whole_days(settings.training) as i32);
    (first..today.0).rev().take_while(alarming).count() as u32
}

/// Why silence proves nothing here: the answers are not in the capture. Silence that a neighbour or
/// a router confirms is told whatever the capture lacks.
fn one_sided(place: Place, failing: &[(IpAddr, &Target)], context: &Context) -> Option<String> {
    let silent = |t: &Target| t.failures.iter().all(|f| *f == Failure::Silence);
    if failing.iter().filter(|(_, t)| silent(t)).count() * 2 <= failing.len() {
        return None;
    }
    answers_lacking(place, context).map(|lacking| lacking.to_string())
}
