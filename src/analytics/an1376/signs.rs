//! The signs that a relation was disrupted before something new came, strongest first.
//!
//! What the relation itself met (blocks, failures, resets, its name) is in `trouble`; here rules of
//! the host (`rules`), containment times and silence (`silence`) join it.

use super::panel::moment;
use super::relation::{Relation, Route};
use super::rules;
use super::settings::FallbackSettings;
use super::silence::overdue;
use super::trouble::{Kept, Trouble};
use super::waiting::Open;
use crate::analytics::kit::contact::Fate;
use crate::model::{Event, Timestamp};

/// What sort of sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignKind {
    /// The host's own firewall blocked it.
    BlockedHost,
    /// A rule of the host that blocks it was added.
    Rule,
    /// It was reset while in use.
    Reset,
    /// It failed in a row.
    Unreachable,
    /// Its name was lost, or is answered otherwise.
    Name,
    /// It stopped coming.
    Silence,
    /// It was to stop at a stated time.
    Containment,
}

impl SignKind {
    /// As a score names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::BlockedHost => "blocked-host",
            Self::Rule => "rule",
            Self::Reset => "reset",
            Self::Unreachable => "unreachable",
            Self::Name => "name",
            Self::Silence => "silence",
            Self::Containment => "containment",
        }
    }

    /// True if somebody blocked it or said so: nothing that a channel may meet by itself.
    pub fn is_block(self) -> bool {
        matches!(self, Self::BlockedHost | Self::Rule | Self::Containment)
    }
}

/// One sign.
#[derive(Clone, Debug)]
pub struct Sign {
    /// What sort.
    pub kind: SignKind,
    /// When: the first evidence of it.
    pub at: Timestamp,
    /// When a network that is down as a whole would have shown it first.
    pub felt: Timestamp,
    /// In decibans.
    pub weight: i32,
    /// It can stand alone.
    pub strong: bool,
    /// At the new channel's first use it was none yet: what makes it one came later.
    pub hindsight: bool,
    /// What the evidence shows.
    pub text: String,
    /// The first events that show it.
    pub events: Vec<Event>,
    /// The last one before the new channel.
    pub last: Option<Event>,
}

/// What a sign is looked for in: the broken relation, and what is known around it.
pub struct Broken<'a> {
    /// The broken relation.
    pub route: &'a Route,
    /// What passed over it.
    pub relation: &'a Relation,
    /// What was wrong with it.
    pub trouble: Option<&'a Trouble>,
    /// Outbound block rules and settings of the host.
    pub rules: &'a [Event],
    /// Containment times stated for the host.
    pub containments: &'a [Timestamp],
    /// When it had worked last, and when the host had let it through last, before the new channel.
    pub good: Timestamp,
    /// See `good`.
    pub let_through: Timestamp,
    /// Until when connections begun before went on.
    pub open: Open,
    /// When the new channel was first used.
    pub until: Timestamp,
    /// The end of what is known of the host.
    pub end: Timestamp,
    /// What was wrong with it when the new channel came.
    pub then: Option<&'a Trouble>,
    /// True if the host let nothing through until then that a rule would have blocked.
    pub in_force: &'a dyn Fn(&Event) -> bool,
    /// True if the host gave a sign of life inside this stretch.
    pub awake: &'a dyn Fn(Timestamp, Timestamp) -> bool,
    /// The last contact before the new channel came.
    pub last_before: Timestamp,
    /// When the program was last heard at the same server and port, by whatever name.
    pub heard: &'a dyn Fn() -> Timestamp,
    /// True if what showed the channel would have shown it in this stretch too.
    pub covered: &'a dyn Fn(Timestamp, Timestamp) -> bool,
}

/// The signs of a disruption, strongest first.
pub fn signs(broken: &Broken<'_>, settings: &FallbackSettings) -> Vec<Sign> {
    let mut signs = Vec::new();
    let failures = broken.trouble.map_or(0, |t| t.failures.count);
    let blocks = broken.trouble.map_or(0, |t| t.blocks.count);
    if let Some(trouble) = broken.trouble {
        own(trouble, broken, settings, &mut signs);
    }
    // What began after the new channel did not make way for it.
    signs.retain(|sign| sign.at <= broken.until);
    let overdue = overdue(broken, settings);
    for event in broken.rules {
        let inside = broken.let_through < event.time
            && broken.open.used_until <= event.time.shifted(rules::SETTLES)
            && event.time <= broken.until;
        // What failed elsewhere had left the host.
        let left = broken.trouble.and_then(|t| t.failures.last);
        let stopped = left.is_none_or(|left| left <= event.time.shifted(rules::SETTLES));
        let covered = inside && rules::covers(event, broken.route, broken.relation);
        if covered && stopped && (broken.in_force)(event) {
            let blocked = broken.trouble.and_then(|t| t.blocks.last);
            let took_effect = blocked.is_some_and(|at| at > event.time) || overdue.is_some();
            signs.push(Sign {
                kind: SignKind::Rule,
                at: event.time,
                felt: event.time,
                weight: if took_effect { 8 } else { 3 },
                strong: took_effect,
                hindsight: false,
                text: if took_effect {
                    "a rule of the host that blocks it was added, and it did not work again"
                        .to_owned()
                } else {
                    "a rule of the host that would block it was added; no attempt was seen after it"
                        .to_owned()
                },
                events: vec![event.clone()],
                last: None,
            });
            break;
        }
    }
    for at in broken.containments {
        if broken.good <= *at && *at <= broken.until && broken.open.used_until <= broken.until {
            let (strong, until_then) = after_containment(*at, broken);
            signs.push(Sign {
                kind: SignKind::Containment,
                at: *at,
                felt: *at,
                weight: if strong { 6 } else { 3 },
                strong,
                hindsight: false,
                text: format!(
                    "the analyst stated containment at {}; until the new channel came {until_then}",
                    moment(*at),
                ),
                events: Vec::new(),
                last: None,
            });
            break;
        }
    }
    let last = broken.relation.last_let_through();
    if let Some(overdue) = overdue
        && blocks + failures == 0
    {
        signs.push(Sign {
            kind: SignKind::Silence,
            at: overdue.last,
            felt: overdue.last.shifted(overdue.beat),
            weight: 3,
            strong: false,
            hindsight: overdue.by_then < overdue.limit,
            text: format!(
                "it fell silent: after one contact every {} none for {} when the new channel came, and none in the {} looked at",
                overdue.beat, overdue.by_then, overdue.silent
            ),
            events: last.cloned().into_iter().collect(),
            last: None,
        });
    }
    signs.sort_by_key(|sign| (!sign.strong, -sign.weight, sign.at));
    signs
}

/// Whether a containment surely stopped the channel, and what was seen of it between that and the new one.
fn after_containment(at: Timestamp, broken: &Broken<'_>) -> (bool, String) {
    let Open {
        used_until,
        untimed,
    } = broken.open;
    // What is under way when a host is contained may still come to its end.
    let settled = at.shifted(rules::SETTLES);
    if used_until > settled {
        let until = moment(used_until);
        let said = format!("a connection begun before was in use until {until}");
        return (false, said);
    }
    if untimed > settled {
        let until = moment(untimed);
        let said = format!(
            "a connection begun before was open, until {until}; whether it was in use is not told"
        );
        return (false, said);
    }
    if broken.let_through > at {
        // Where no success is ever told, what went on may have worked.
        let said = "the host permitted more of it, and none of that is known to have worked";
        return (broken.relation.worked > 0, said.to_owned());
    }
    let stopped = "it did not work after that";
    let said = if used_until > at {
        format!("it was in use until {}, and {stopped}", moment(used_until))
    } else {
        stopped.to_owned()
    };
    (true, said)
}

fn own(trouble: &Trouble, broken: &Broken<'_>, settings: &FallbackSettings, signs: &mut Vec<Sign>) {
    let failed_before = broken.then.map_or(0, |t| t.failures.count);
    let blocked_before = broken.then.map_or(0, |t| t.blocks.count);
    if let Some(first) = trouble.blocks.events.first() {
        signs.push(Sign {
            kind: SignKind::BlockedHost,
            at: first.time,
            felt: first.time,
            weight: 10,
            strong: true,
            hindsight: false,
            text: format!(
                "the host's own firewall blocked it {}{}",
                times(trouble.blocks.count),
                part_before(blocked_before, trouble.blocks.count)
            ),
            last: last_before(broken, |trouble| &trouble.blocks),
            events: trouble.blocks.events.clone(),
        });
    }
    if trouble.failures.count >= settings.min_fail
        && let Some(first) = trouble.failures.events.first()
    {
        let prohibited = trouble.fates.contains(&Fate::Prohibited);
        let in_time = failed_before >= settings.min_fail;
        let fates: Vec<&str> = trouble.fates.iter().map(|fate| fate.word()).collect();
        signs.push(Sign {
            kind: SignKind::Unreachable,
            at: first.time,
            felt: first.time,
            weight: match (in_time, prohibited) {
                (true, true) => 9,
                (true, false) => 8,
                (false, _) => 3,
            },
            strong: in_time,
            hindsight: !in_time,
            text: format!(
                "it failed {} in a row ({}){}{}",
                times(trouble.failures.count),
                fates.join(", "),
                if in_time {
                    part_before(failed_before, trouble.failures.count)
                } else {
                    format!("; {failed_before} of them before the new channel came")
                },
                if trouble.inferred {
                    "; no record names the process of these attempts, and only this program used that server and port"
                } else {
                    ""
                }
            ),
            last: last_before(broken, |trouble| &trouble.failures),
            events: trouble.failures.events.clone(),
        });
    }
    if let Some((at, event)) = &trouble.reset {
        signs.push(Sign {
            kind: SignKind::Reset,
            at: *at,
            felt: *at,
            weight: if trouble.foreign_reset { 8 } else { 6 },
            strong: true,
            hindsight: false,
            text: if trouble.foreign_reset {
                "it was reset while in use, with a TTL that is not the remote's: a device on the way may have sent the reset".to_owned()
            } else {
                "it was reset while in use, in the remote's name".to_owned()
            },
            events: vec![event.clone()],
            last: None,
        });
    }
    if let Some((event, turn)) = &trouble.name {
        signs.push(Sign {
            kind: SignKind::Name,
            at: event.time,
            felt: event.time,
            weight: if trouble.answered { 3 } else { 7 },
            // A name that is answered apart inside works there as it did.
            strong: !trouble.answered,
            hindsight: false,
            text: if trouble.answered {
                format!(
                    "{}, and something answers there: a sinkhole, or the same service inside",
                    turn.words()
                )
            } else {
                turn.words().to_owned()
            },
            events: vec![event.clone()],
            last: None,
        });
    }
}

/// How many of `all` were before the new channel, where that is known and not all of them.
fn part_before(before: u32, all: u32) -> String {
    match before {
        0 => String::new(),
        n if n >= all => String::new(),
        n => format!("; {n} of them before the new channel came"),
    }
}

/// The last event of a kind before the new channel: the time since then is measured from it.
fn last_before(broken: &Broken<'_>, kept: impl Fn(&Trouble) -> &Kept) -> Option<Event> {
    let known = [broken.then, broken.trouble];
    let kept = known.into_iter().flatten().map(kept);
    let last = kept.flat_map(|kept| kept.events.iter().chain(kept.latest.as_deref()));
    last.filter(|event| event.time <= broken.until)
        .max_by_key(|event| event.order())
        .cloned()
}

fn times(count: u32) -> String {
    if count == 1 {
        "once".to_owned()
    } else {
        format!("{count} times")
    }
}
