//! Judges a new channel beside a broken one: was it disrupted, is it ordinary, how unusual is it.

use super::excuse::excluded;
use super::failover::{Failover, Moved};
use super::grade::grade;
use super::lineage::Link;
use super::novelty::Novelty;
use super::outage::Extent;
use super::panel::moment;
use super::relation::{Established, Relation};
use super::rules;
use super::settings::FallbackSettings;
use super::signs::{self, Sign, SignKind};
use super::silence::covered;
use super::state::State;
use super::trouble::Trouble;
use super::unusual::{Pair, Unusual, measure};
use super::waiting::Waiting;
use super::who::Who;
use crate::analytics::kit::order::clock_notes;
use crate::context::coverage::Interval;
use crate::context::{Context, Place};
use crate::model::finding::{Order, OrderCheck, Severity};
use crate::model::{Event, Span, Timestamp};

/// The least sum of weights that is told: a hundred to one.
const TOLD: i32 = 20;

/// So much later than a block began its time may be stated: an outage is told by the minute beside it, too.
const STATED_LATE: Span = Span::seconds(60);

/// A new channel that was judged a fallback.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The pair.
    pub waiting: Waiting,
    /// The broken relation.
    pub old: Relation,
    /// Why it counts as established.
    pub established: Established,
    /// The new relation.
    pub new: Relation,
    /// How the old one was disrupted.
    pub signs: Vec<Sign>,
    /// From the last sign to the first use.
    pub after: Span,
    /// How far the failure went beyond it.
    pub extent: Extent,
    /// The stated containments that the disruption began with, as they were stated.
    pub stated: Vec<Timestamp>,
    /// How unusual the new one is.
    pub unusual: Unusual,
    /// What speaks for a failover of the program's own service, and what for an implant.
    pub failover: Failover,
    /// How bad.
    pub severity: Severity,
    /// What makes it that bad.
    pub reason: String,
    /// Why it is not told as worse.
    pub caps: Vec<String>,
    /// When the broken one worked again after the first use of the new one.
    pub recovered: Option<Timestamp>,
    /// Order and clocks.
    pub order: OrderCheck,
    /// The last that was known of the host when it was judged: what came later is not counted.
    pub until: Timestamp,
}

impl Judged {
    /// The sum of all weights.
    pub fn sum(&self) -> i32 {
        sign_weight(&self.signs) + self.unusual.sum()
    }

    /// When the last sign of the disruption was, before the first use.
    pub fn last_sign(&self) -> Timestamp {
        self.waiting.at.shifted(self.after.negated())
    }
}

/// What becomes of a new channel.
pub enum Verdict {
    /// A fallback.
    Fallback(Box<Judged>),
    /// Close: how many conditions were missing, and which.
    Near(u32, String),
    /// Nothing was disrupted.
    Nothing,
}

/// The strongest sign in full, two decibans for each other one.
pub fn sign_weight(signs: &[Sign]) -> i32 {
    let others = signs.len().saturating_sub(1).min(5) as i32;
    signs.first().map_or(0, |sign| sign.weight) + 2 * others
}

/// Judges one.
pub fn judge(
    place: Place,
    state: &State,
    mut waiting: Waiting,
    containments: &[Timestamp],
    settings: &FallbackSettings,
    context: &Context,
) -> Verdict {
    let (Some(old), Some(new)) = (
        state.relations.get(&waiting.old),
        state.relations.get(&waiting.new),
    ) else {
        return Verdict::Nothing;
    };
    let Some(established) = old.established(settings) else {
        return Verdict::Nothing;
    };
    // What came to nothing was no use of it.
    let used = waiting.tried.as_ref().map(|tried| {
        let mut used = new.clone();
        used.first = tried.first.clone();
        used
    });
    let new = used.as_ref().unwrap_or(new);
    let at = waiting.at;
    let all = trouble_of(&waiting, old);
    // What failed beside a connection that went on disrupted nothing.
    let [left, then] = [all, waiting.trouble.as_ref()].map(|trouble| {
        let used_until = waiting.open_before.used_until;
        trouble.and_then(|trouble| trouble.clone().not_outlived(used_until, at))
    });
    let trouble = left.as_ref();
    let mut found = disruption(
        place,
        state,
        &waiting,
        [old, new],
        (trouble, containments),
        settings,
        context,
    );
    if established == Established::Permitted {
        // Nobody knows that it worked; only a block is a change.
        found.retain(|sign| sign.kind.is_block());
    }
    let one_host = one_host([old, new], at, context);
    let channels = channels(&waiting, one_host);
    let near = |why: &str| Verdict::Near(1, format!("{channels}: {why}"));
    if found.is_empty() {
        let why = went_on(&waiting, all, containments, settings)
            .or_else(|| failed_too_little(trouble, settings));
        return why.map_or(Verdict::Nothing, |why| near(&why));
    }
    let last = last_sign(&found, [then.as_ref(), trouble], at);
    let after = at.since(last);
    let silence_only = found.iter().all(|sign| sign.kind == SignKind::Silence);
    if after > settings.time_window && !silence_only {
        return near(&format!(
            "it came {after} after the last sign of the disruption, more than {}",
            settings.time_window
        ));
    }
    let extent = extent_of(place, state, old, &found, settings, context);
    // What an analyst had blocked as a whole is no outage.
    let stated = stated(&found, containments, old, at, settings);
    if stated.is_empty()
        && let Some(why) = extent.outage(settings)
    {
        return near(&format!("the network failed as a whole: {why}"));
    }
    waiting.novel = still_novel(place, state, &waiting, new, context);
    if one_host && waiting.novel.beyond_remote() {
        // The old channel went there already, by whatever name.
        waiting.novel.remote = false;
    }
    if !waiting.novel.any() {
        return near("the baseline knows remote and port from before this evidence");
    }
    let unusual = measure(
        &Pair {
            place,
            old_relation: old,
            new: &waiting.new,
            new_relation: new,
            link: waiting.link,
            novel: waiting.novel,
            after,
            remotes_before: waiting.remotes_before,
            subject: state.subject(&waiting.new.who),
            tried: waiting.tried.is_some(),
        },
        settings,
        context,
    );
    let failover = Failover::of(
        &Moved {
            place,
            old: (&waiting.old, old),
            new: (&waiting.new, new),
            at,
            unusual: &unusual,
        },
        state,
        context,
    );
    let excuse = excluded(
        state,
        &waiting,
        [old, new],
        &found,
        (unusual.mute, &failover),
        settings,
        context,
    );
    if let Some(why) = excuse {
        return near(&why);
    }
    // What cannot stand alone may as well have had no effect: then the two must belong together.
    let alone = found.iter().any(|sign| sign.strong);
    if !alone && waiting.link < Link::SameProgram && !unusual.same_habits {
        let kinds: Vec<&str> = found.iter().map(|sign| sign.kind.word()).collect();
        return near(&format!(
            "no sign of the disruption can stand alone ({}), and no process or habit ties the two \
             together",
            kinds.join(", ")
        ));
    }
    if waiting.link == Link::Stranger && !unusual.odd {
        return near(&format!(
            "{} typically does not network, but neither a record nor a habit ties it to the old \
             channel, and port and protocol are ordinary",
            waiting.new.who.file_name()
        ));
    }
    if unusual.uncommon.is_empty() {
        return near("neither port nor protocol nor program of the new channel is uncommon");
    }
    let order = check_order(&found, new, context);
    let recovered = old
        .last_good
        .as_ref()
        .map(|event| event.time)
        .filter(|time| *time > at);
    let mut judged = Judged {
        established,
        old: old.clone(),
        new: new.clone(),
        signs: found,
        after,
        extent,
        stated,
        unusual,
        failover,
        severity: Severity::Info,
        reason: String::new(),
        caps: Vec::new(),
        recovered,
        order,
        until: state.end,
        waiting,
    };
    let sum = judged.sum();
    if sum < TOLD {
        return near(&format!("{sum} decibans, and {TOLD} make a finding"));
    }
    let fresh = state.fresh(&judged.waiting.new.who, at);
    grade(&mut judged, fresh, settings);
    Verdict::Fallback(Box::new(judged))
}

/// The signs that the old relation was disrupted before the new channel was first used.
fn disruption(
    place: Place,
    state: &State,
    waiting: &Waiting,
    [old, new]: [&Relation; 2],
    (trouble, containments): (Option<&Trouble>, &[Timestamp]),
    settings: &FallbackSettings,
    context: &Context,
) -> Vec<Sign> {
    let at = waiting.at;
    signs::signs(
        &signs::Broken {
            route: &waiting.old,
            relation: old,
            trouble,
            rules: &state.rules,
            containments,
            good: waiting.good_before,
            let_through: waiting.let_through_before,
            open: waiting.open_before,
            until: at,
            end: state.end,
            then: waiting.trouble.as_ref(),
            in_force: &|rule| {
                let since = rule.time.shifted(rules::SETTLES);
                let mut all = state.relations.all();
                // Whether it was not in force yet or never: what it let through as the new channel it did
                // not block as the old one.
                let surely = |route: &_, relation: &_| {
                    rules::cover(rule, route, relation) == rules::Cover::Yes
                };
                let new_too = new.last_tried().is_some() && surely(&waiting.new, new);
                !new_too
                    && !all.any(|(route, relation)| {
                        relation.went_on(since, at) && surely(route, relation)
                    })
            },
            awake: &|from, to| state.awake.between(from, to),
            last_before: waiting.last_before,
            heard: &|| state.heard.at(&waiting.old, old),
            covered: &|from, to| {
                covered(place, state, old, Interval { from, to }, settings, context)
            },
        },
        settings,
    )
}

/// Why a channel that looked broken was not disrupted: a connection begun before went on.
fn went_on(
    waiting: &Waiting,
    trouble: Option<&Trouble>,
    containments: &[Timestamp],
    settings: &FallbackSettings,
) -> Option<String> {
    let used_until = waiting.open_before.used_until;
    let last = trouble.and_then(|trouble| trouble.last_before(waiting.at));
    let outlived = used_until > last.unwrap_or(waiting.at);
    (outlived && looks_broken(waiting, trouble, containments, settings)).then(|| {
        format!(
            "the old channel was not disrupted: a connection begun before was in use until {}",
            moment(used_until)
        )
    })
}

/// Why a channel that failed was not disrupted: it did so too seldom.
fn failed_too_little(trouble: Option<&Trouble>, settings: &FallbackSettings) -> Option<String> {
    let failures = trouble.map_or(0, |trouble| trouble.failures.count);
    (failures > 0).then(|| {
        format!(
            "the old channel failed {failures} of {} times that make a disruption",
            settings.min_fail
        )
    })
}

/// True if there was a disruption but for connections that went on.
fn looks_broken(
    waiting: &Waiting,
    trouble: Option<&Trouble>,
    containments: &[Timestamp],
    settings: &FallbackSettings,
) -> bool {
    let mut stated = containments.iter();
    trouble.is_some_and(|trouble| trouble.is_disruption(settings))
        || stated.any(|time| waiting.good_before <= *time && *time <= waiting.at)
}

/// The containments that a disruption began with: within the window, or as many beats as make a silence.
/// What fails much later, or had failed before, is no part of them.
fn stated(
    signs: &[Sign],
    containments: &[Timestamp],
    old: &Relation,
    at: Timestamp,
    settings: &FallbackSettings,
) -> Vec<Timestamp> {
    let beats = i64::from(settings.missing_beats);
    let beat = old.beacon(settings).map_or(0, |beat| beat.median.0);
    let reach = settings.time_window.max(Span(beat.saturating_mul(beats)));
    let began = |time: &Timestamp| {
        let mut felt = signs.iter().map(|sign| sign.felt.since(*time));
        felt.any(|after| (STATED_LATE.negated()..=reach).contains(&after))
    };
    let before = containments.iter().filter(|time| **time <= at);
    before.filter(|time| began(time)).copied().collect()
}

/// True if both go to one host: to one address, or to several of one that is known.
fn one_host(relations: [&Relation; 2], at: Timestamp, context: &Context) -> bool {
    let [old, new] = relations;
    let host = |address| match context.identity.place(address, at) {
        Place::Host(id) => Some(id),
        Place::Address(_) => None,
    };
    old.addresses.iter().any(|a| {
        let mut others = new.addresses.iter();
        others.any(|b| a == b || host(*a).is_some_and(|id| host(*b) == Some(id)))
    })
}

/// The two channels of a near miss: whose they are, as far as that is known, and where to.
fn channels(waiting: &Waiting, one_host: bool) -> String {
    let (old, new) = (&waiting.old, &waiting.new);
    let whose = |who: &Who| match (who.known(), who.pid) {
        (false, _) => "an unknown process".to_owned(),
        (true, Some(pid)) => format!("{} (pid {pid})", who.file_name()),
        (true, None) => who.file_name().to_owned(),
    };
    let mut words = if !old.who.known() && !new.who.known() {
        format!("{} after {}", new.words(), old.words())
    } else if old.who.same_instance(&new.who) {
        let (new, old, both) = (new.words(), old.words(), whose(&new.who));
        format!("{new} after {old}, both of {both}")
    } else {
        let [by_new, by_old] = [&new.who, &old.who].map(whose);
        format!(
            "{} of {by_new} after {} of {by_old}",
            new.words(),
            old.words()
        )
    };
    if one_host && old.peer != new.peer {
        words.push_str(", both to one host");
    }
    words
}

/// What was wrong at the first use, and what was added to it since, as long as it did not work again.
fn trouble_of<'a>(waiting: &'a Waiting, old: &'a Relation) -> Option<&'a Trouble> {
    match (&waiting.trouble, &old.trouble) {
        (Some(then), Some(now)) if now.began == then.began => Some(now),
        (Some(then), _) => Some(then),
        (None, Some(now)) if now.began <= waiting.at => Some(now),
        _ => None,
    }
}

/// The last sign before the first use. Of a channel that is tried on and on after it, what was known at
/// the first use says more than what is known now.
fn last_sign(signs: &[Sign], known: [Option<&Trouble>; 2], at: Timestamp) -> Timestamp {
    let troubles = known.into_iter().flatten();
    signs
        .iter()
        .map(|sign| sign.at)
        .chain(troubles.filter_map(|trouble| trouble.last_before(at)))
        .filter(|time| *time <= at)
        .max()
        .unwrap_or(at)
}

/// What is new about a channel beside what imported baselines know from before this evidence.
fn still_novel(
    place: Place,
    state: &State,
    waiting: &Waiting,
    new: &Relation,
    context: &Context,
) -> Novelty {
    let novel = waiting.novel;
    let begin = state.begin.unwrap_or(waiting.at);
    let new_port = (waiting.new.transport, waiting.new.port);
    let used = context
        .baseline
        .port(place, &waiting.new.who.program, new_port, begin);
    let known = |address| context.baseline.peer(place, address, begin).0 > 0;
    Novelty {
        remote: novel.remote && !new.addresses.iter().any(|address| known(*address)),
        port: novel.port && used.by_image == 0,
        protocol: novel.protocol && used.by_image == 0,
    }
}

/// How far the failure went, around any of its signs.
fn extent_of(
    place: Place,
    state: &State,
    old: &Relation,
    signs: &[Sign],
    settings: &FallbackSettings,
    context: &Context,
) -> Extent {
    let inside = old
        .addresses
        .iter()
        .all(|address| context.assets.is_internal(*address));
    let host = signs
        .iter()
        .flat_map(|sign| state.outage.around(sign.felt, inside))
        .max_by_key(|minute| {
            (
                minute.outage(settings).is_some(),
                minute.programs,
                minute.failed,
            )
        });
    let hosts = signs
        .iter()
        .map(|sign| context.outages.around(place, sign.felt, &old.addresses))
        .max_by_key(|loss| (loss.lost, loss.remotes, loss.reached_out));
    Extent {
        host: host.unwrap_or_default(),
        hosts: hosts.unwrap_or_default(),
    }
}

fn check_order(signs: &[Sign], new: &Relation, context: &Context) -> OrderCheck {
    let mut check = OrderCheck::of_one_clock();
    // One sign in certain order is enough.
    let pairs: Vec<&Event> = signs
        .iter()
        .filter_map(|sign| sign.events.first())
        .collect();
    let Some(first) = pairs
        .iter()
        .find(|event| context.order(event, &new.first) == Order::Before)
        .or(pairs.first())
    else {
        return check;
    };
    let uncertainty = context.clocks.between(first, &new.first, &context.identity);
    check.certain = context.order(first, &new.first) == Order::Before;
    if uncertainty > Span::ZERO {
        check.smallest_gap = Some(new.first.time.since(first.time));
        check.uncertainty = uncertainty;
        check.notes = clock_notes(&[(first, &new.first)], context);
    }
    check
}
