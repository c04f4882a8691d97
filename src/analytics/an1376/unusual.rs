//! How unusual the new channel is: terms in decibans, each with the numbers it rests on.
//!
//! A term is ten times the decimal logarithm of a likelihood ratio: 10 makes it ten times as
//! likely that this is a fallback. Rarities are measured against the baseline before the
//! disruption; the other weights are choices of design, and every term is shown.

use super::habits::{Subject, counted_whole, records_lacking};
use super::lineage::Link;
use super::mute::silent_program;
use super::novelty::Novelty;
use super::relation::{Relation, Route};
use super::settings::FallbackSettings;
use super::speech::{misplaced, usurped};
use crate::analytics::kit::contact::before_its_records;
use crate::context::assets::Assets;
use crate::context::{Context, Place};
use crate::model::plural::counted;
use crate::model::{Span, Timestamp, Transport};

/// Bits from which on a port is rare for a program that keeps to at most so many others.
const KEPT_BITS: f64 = 3.0;
const KEPT_PORTS: u64 = 3;

/// How foreign a port is to a program.
struct Foreign {
    /// It never used it.
    never_used: bool,
    /// And it was seen often enough, on few enough others, that it would have.
    kept_to_others: bool,
}

/// One term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What was asked.
    pub name: &'static str,
    /// The numbers.
    pub measured: String,
    /// In decibans.
    pub weight: i32,
}

/// What is asked of a pair of channels.
pub struct Pair<'a> {
    /// The host.
    pub place: Place,
    /// What passed over it.
    pub old_relation: &'a Relation,
    /// The new one.
    pub new: &'a Route,
    /// What passed over it.
    pub new_relation: &'a Relation,
    /// How their processes belong together.
    pub link: Link,
    /// What is new.
    pub novel: Novelty,
    /// From the last sign of the disruption to the first use.
    pub after: Span,
    /// Remotes the program of the new channel had before.
    pub remotes_before: usize,
    /// Whose habits the new channel is held against.
    pub subject: Subject,
    /// The new channel had been tried before, in vain.
    pub tried: bool,
}

/// The measure of a pair.
#[derive(Clone, Debug, Default)]
pub struct Unusual {
    /// All terms.
    pub terms: Vec<Term>,
    /// Why the new channel is uncommon; empty if it is not.
    pub uncommon: Vec<String>,
    /// The program typically does not network.
    pub mute: bool,
    /// Something beside the program is uncommon, or habits of the old channel show in the new one.
    pub odd: bool,
    /// Old or new channel keeps a steady rhythm.
    pub regular: bool,
    /// The new channel does.
    pub steady: bool,
    /// How it hides in a protocol, in words: a known one on a port of another, or echo requests that carry
    /// more than a ping does.
    pub usurped: Option<String>,
    /// Old and new share name, sizes or rhythm.
    pub same_implant: bool,
    /// Old and new share sizes or rhythm: what an implant takes along to any server.
    pub same_habits: bool,
    /// The baseline is too thin to say what is usual; how thick it is.
    pub thin: Option<String>,
    /// Whose habits the new channel is held against.
    pub subject: Subject,
    /// No process start is known from before this moment: who never networks could not be asked. There may
    /// be some after it.
    pub no_start_before: Option<Timestamp>,
}

impl Unusual {
    /// The sum of the terms.
    pub fn sum(&self) -> i32 {
        self.terms.iter().map(|term| term.weight).sum()
    }

    fn add(&mut self, name: &'static str, weight: f64, measured: String) {
        self.terms.push(Term {
            name,
            measured,
            weight: weight.round() as i32,
        });
    }
}

/// Measures a pair.
pub fn measure(pair: &Pair<'_>, settings: &FallbackSettings, context: &Context) -> Unusual {
    let mut told = Unusual {
        subject: pair.subject,
        ..Unusual::default()
    };
    let whose = pair.subject.words();
    let begin = before_its_records(pair.place, pair.new_relation.first.time, context);
    // What the broken channel itself made of its program is no habit to hold against it.
    let before = if pair.link == Link::SameInstance {
        begin.min(pair.old_relation.first.time)
    } else {
        begin
    };
    depth(pair, begin, settings, context, &mut told);
    mute(pair, before, context, &mut told);
    let foreign = ports(pair, begin, settings, context, &mut told);
    shapes(pair, &context.assets, &mut told);
    kinship(pair, settings, &mut told);
    remotes(pair, begin, context, &mut told);
    amounts(pair, settings, &mut told);
    let common = settings.common_ports.contains(&pair.new.port)
        || context.baseline.common_port(
            (pair.new.transport, pair.new.port),
            u64::from(settings.learned_port_users),
            u64::from(settings.learned_port_users),
            begin,
        );
    let port_words = match pair.new.transport {
        Transport::TCP | Transport::UDP => format!("{}/{}", pair.new.port, pair.new.transport),
        other => other.to_string(),
    };
    let success = if pair.tried { " with success" } else { "" };
    if common {
        told.add(
            "common port",
            -6.0,
            format!("{port_words} is a common port, by the list or by use here"),
        );
    }
    // An ordinary ping is how people look whether something works; what it carries is for `shapes`.
    let ping = matches!(pair.new.transport, Transport::ICMP | Transport::ICMPV6);
    if !ping && pair.novel.beyond_remote() {
        if !common {
            told.uncommon.push(format!(
                "{port_words} is no common port, and {whose} had not used it{success}"
            ));
        } else if foreign.kept_to_others && (told.regular || told.mute || told.same_implant) {
            told.uncommon.push(format!(
                "{port_words} is common, but not for {whose}, which kept to others"
            ));
        } else if foreign.never_used && (told.steady || told.same_implant) {
            told.uncommon.push(format!(
                "{port_words} is common, but {whose} had not used it{success}, and the new channel keeps a rhythm or shares \
                 server, sizes or rhythm with the old one"
            ));
        }
    }
    told.odd = told.same_habits || !told.uncommon.is_empty();
    if told.mute {
        told.uncommon
            .push("the program typically does not use the network".to_owned());
    }
    told
}

fn depth(
    pair: &Pair<'_>,
    before: Timestamp,
    settings: &FallbackSettings,
    context: &Context,
    told: &mut Unusual,
) {
    let depth = context.baseline.depth(pair.place, before);
    let thick = depth.span >= settings.min_baseline
        || depth.executions >= u64::from(settings.min_executions);
    if !thick {
        told.thin = Some(format!(
            "{} of history and {} process starts before it",
            depth.span, depth.executions
        ));
    }
}

fn mute(pair: &Pair<'_>, before: Timestamp, context: &Context, told: &mut Unusual) {
    if !pair.new.who.known() {
        return;
    }
    let starts = context.baseline.depth(pair.place, before).executions;
    told.no_start_before = (starts == 0).then_some(before);
    // Of the instance that had the old channel, only what was before that counts.
    let when = match pair.link {
        Link::SameInstance => "before the old channel began",
        _ => "before",
    };
    let silent = silent_program(pair.place, &pair.new.who, (before, when), context);
    if let Some((weight, measured)) = silent {
        told.mute = true;
        told.add("program that does not network", weight, measured);
    }
}

/// Rarity of the port for the program and for the environment, in bits; a bit is three decibans, a
/// half of which counts.
fn ports(
    pair: &Pair<'_>,
    before: Timestamp,
    _settings: &FallbackSettings,
    context: &Context,
    told: &mut Unusual,
) -> Foreign {
    let port = (pair.new.transport, pair.new.port);
    let usage = context
        .baseline
        .port(pair.place, &pair.new.who.program, port, before);
    let distinct = usage.ports_of_image + 1;
    let bits =
        -((usage.by_image as f64 + 0.5) / (usage.of_image as f64 + 0.5 * distinct as f64)).log2();
    if bits > 0.0 {
        // Beyond the first few a count may be too small: then a port never used is rarer than told.
        let lacking = records_lacking(pair.place, before, context);
        let sure = counted_whole(pair.place, &pair.new.who, before, context) && !lacking;
        let or_more = |count: u64| {
            if sure || count == 0 && !lacking {
                ""
            } else {
                " or more"
            }
        };
        told.add(
            match pair.new.transport {
                Transport::TCP | Transport::UDP => pair
                    .subject
                    .term("port rare for the program", "port rare for the host"),
                _ => pair.subject.term(
                    "protocol rare for the program",
                    "protocol rare for the host",
                ),
            },
            (bits * 1.5).min(10.0),
            format!(
                "{}{} of its {}{} earlier attempts that left the host, over {}: {}{bits:.1} bits",
                usage.by_image,
                or_more(usage.by_image),
                usage.of_image,
                or_more(usage.of_image),
                counted(usage.ports_of_image, "port"),
                match (sure, usage.by_image) {
                    (true, _) => "",
                    (false, 0) if !lacking => "at least ",
                    (false, _) => "about ",
                }
            ),
        );
    }
    let around = -((usage.hosts as f64 + 0.5) / (usage.all_hosts as f64 + 1.0)).log2();
    if around > 0.0 {
        told.add(
            "port rare in this environment",
            (around * 1.5).min(8.0),
            format!(
                "{} of {} hosts used it before: {around:.1} bits",
                usage.hosts, usage.all_hosts
            ),
        );
    }
    if usage.ports_of_image >= 8 {
        told.add(
            pair.subject
                .term("program of many ports", "host of many ports"),
            -8.0,
            format!(
                "{} used {} ports before",
                pair.subject.words(),
                usage.ports_of_image
            ),
        );
    }
    Foreign {
        never_used: usage.by_image == 0,
        kept_to_others: usage.by_image == 0
            && bits >= KEPT_BITS
            && usage.ports_of_image <= KEPT_PORTS,
    }
}

fn shapes(pair: &Pair<'_>, assets: &Assets, told: &mut Unusual) {
    let shape = pair.new_relation.shape;
    if matches!(pair.new.transport, Transport::ICMP | Transport::ICMPV6) {
        let run = pair.new_relation.echoes.filter(|run| run.carry_more());
        if let Some(run) = run {
            let sent = run.size();
            told.usurped = Some("its echo requests carry more than a ping does".to_owned());
            told.add(
                "protocol",
                8.0,
                format!("echo requests carry {sent} bytes on average; a ping carries 32 or 56"),
            );
            told.uncommon
                .push("ICMP that carries more than a ping does".to_owned());
        }
        return;
    }
    let inside = pair.new_relation.is_inside(assets);
    let odd = misplaced(shape, pair.new.transport, pair.new.port, inside);
    if odd {
        let port = format!("{}/{}", pair.new.port, pair.new.transport);
        told.usurped = usurped(shape, pair.new.transport, pair.new.port).then(|| {
            format!(
                "it speaks {} on {port}, a port of another protocol",
                shape.word()
            )
        });
        told.add(
            "protocol",
            8.0,
            format!(
                "the payload is {}, which does not belong on {port}",
                shape.word()
            ),
        );
        told.uncommon
            .push(format!("{} on port {port}", shape.word()));
    }
}

/// Signs that one implant uses both channels, and how near they are in time.
fn kinship(pair: &Pair<'_>, settings: &FallbackSettings, told: &mut Unusual) {
    told.add(
        "link",
        f64::from(pair.link.weight()),
        pair.link.words().to_owned(),
    );
    let near = 6.0 * (-pair.after.as_seconds() / 120.0).exp();
    told.add(
        "proximity",
        near,
        format!("{} after the last sign of the disruption", pair.after),
    );
    let (old, new) = (pair.old_relation, pair.new_relation);
    if let (Some(a), Some(b)) = (&old.name, &new.name)
        && a == b
    {
        told.same_implant = true;
        told.add("same name", 8.0, format!("both go to {a}"));
    } else if old.addresses.iter().any(|a| new.addresses.contains(a)) {
        told.same_implant = true;
        told.add("same server", 6.0, "both go to one address".to_owned());
    }
    let sized = old.sizes[0] > 0 && old.sizes[1] > 0;
    if sized && old.sizes[..2] == new.sizes[..2] {
        told.same_implant = true;
        told.same_habits = true;
        told.add(
            "same sizes",
            8.0,
            format!(
                "both begin with payloads of {} and {} bytes",
                new.sizes[0], new.sizes[1]
            ),
        );
    }
    let (before, after) = (old.beacon(settings), new.beacon(settings));
    told.regular = before.is_some() || after.is_some();
    told.steady = after.is_some();
    if let (Some(a), Some(b)) = (before, after) {
        let apart = (a.median.0 - b.median.0).abs() as f64 / a.median.0.max(1) as f64;
        if apart <= 0.1 {
            told.same_implant = true;
            told.same_habits = true;
            told.add(
                "same rhythm",
                8.0,
                format!(
                    "one contact every {} before, every {} after",
                    a.median, b.median
                ),
            );
        }
    }
    // A run is one attempt: its rhythm does not show in its relation.
    let run = new.echoes.filter(|run| run.sent >= settings.min_beacon);
    if let (Some(beat), Some(run)) = (before, run)
        && (run.apart().0 - beat.median.0).abs() <= beat.median.0 / 10
    {
        told.steady = true;
        told.same_implant = true;
        told.same_habits = true;
        told.add(
            "same rhythm",
            8.0,
            format!(
                "one contact every {} before, {} messages {} apart on average after",
                beat.median,
                run.sent,
                run.apart()
            ),
        );
    }
    if let Some(beat) = after {
        told.add(
            "rhythm of the new channel",
            4.0,
            format!(
                "{} contacts, one every {} (score {:.2})",
                beat.contacts, beat.median, beat.score
            ),
        );
    } else if let Some(beat) = before {
        let kept = new.keeps(beat.median);
        told.steady |= kept;
        told.add(
            "rhythm of the old channel",
            3.0,
            format!(
                "{} contacts, one every {} (score {:.2}){}",
                beat.contacts,
                beat.median,
                beat.score,
                if kept {
                    "; the few of the new one keep that pace"
                } else {
                    ""
                }
            ),
        );
    }
}

fn remotes(pair: &Pair<'_>, before: Timestamp, context: &Context, told: &mut Unusual) {
    let addresses = &pair.new_relation.addresses;
    let seen = addresses
        .iter()
        .any(|a| context.baseline.peer_anywhere(*a, before).is_some());
    if pair.novel.remote && !seen {
        told.add(
            "new destination",
            3.0,
            format!(
                "no host had gone there before, by {}",
                context.baseline.sources()
            ),
        );
    }
    let inside = |relation: &Relation| relation.is_inside(&context.assets);
    if inside(pair.new_relation) && !inside(pair.old_relation) {
        told.add(
            "own network",
            -6.0,
            "the new remote is inside, the old one outside".to_owned(),
        );
    }
    if pair.remotes_before >= 50 {
        told.add(
            pair.subject
                .term("program of many remotes", "host of many remotes"),
            -8.0,
            format!(
                "{} had {} remotes before",
                pair.subject.words(),
                pair.remotes_before
            ),
        );
    }
}

fn amounts(pair: &Pair<'_>, settings: &FallbackSettings, told: &mut Unusual) {
    let new = pair.new_relation;
    if let Some(share) = new.share_out()
        && new.bytes[0] >= u64::from(settings.data_volume_floor)
        && share * 100.0 > f64::from(settings.data_volume_ratio)
    {
        told.add(
            "data goes out",
            4.0,
            format!(
                "{:.0} % of the payload went out ({} bytes)",
                share * 100.0,
                new.bytes[0]
            ),
        );
    }
    if new.worked > 0 {
        told.add(
            "it works",
            3.0,
            format!("{} worked", counted(u64::from(new.worked), "contact")),
        );
    } else if new.failed > 0 && new.untold == 0 {
        told.add(
            "it never worked",
            -3.0,
            format!("{} contacts failed", new.failed),
        );
    }
}
